//! The NVMe model: each state machine and each lie, in bytes spelt by hand. A lie shows at the
//! interface; what the cells hold is the truth.

mod format;
mod identify;
mod io;
mod lies;
mod logs;
mod sanitize;
mod support;
