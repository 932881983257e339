//! Safe doors to the kernel; all unsafe code of raz.
