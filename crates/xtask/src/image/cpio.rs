//! Writes an initramfs archive: cpio "newc" (the kernel's Documentation/driver-api/early-userspace/
//! buffer-format.rst), every entry owned by root and of one date, so that equal input is equal output.

/// What an entry is.
pub enum Node<'a> {
    Folder,
    File { executable: bool, bytes: &'a [u8] },
    Link { target: &'a str },
    CharacterDevice { major: u32, minor: u32 },
}

/// An archive in memory; entries in the order in which they were added.
pub struct Archive {
    bytes: Vec<u8>,
    modified_seconds: u32,
    next_inode: u32,
}

impl Archive {
    /// An empty archive whose entries carry this date.
    pub fn new(modified_seconds: u32) -> Self {
        Self {
            bytes: Vec::new(),
            modified_seconds,
            next_inode: 1,
        }
    }

    /// Adds one entry; `path` has no leading slash, and its folder was added before.
    pub fn add(&mut self, path: &str, node: &Node<'_>) {
        let (mode, data, device): (u32, &[u8], (u32, u32)) = match node {
            Node::Folder => (0o040_755, &[], (0, 0)),
            Node::File { executable, bytes } => (
                if *executable { 0o100_755 } else { 0o100_644 },
                bytes,
                (0, 0),
            ),
            Node::Link { target } => (0o120_777, target.as_bytes(), (0, 0)),
            Node::CharacterDevice { major, minor } => (0o020_600, &[], (*major, *minor)),
        };
        let inode = self.next_inode;
        self.next_inode += 1;
        self.entry(inode, mode, path, data, device);
    }

    /// Ends the archive and pads it to 512 bytes: the kernel silently ignores a second archive
    /// that is appended unaligned.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry(0, 0, "TRAILER!!!", &[], (0, 0));
        self.pad(512);
        self.bytes
    }

    fn entry(&mut self, inode: u32, mode: u32, path: &str, data: &[u8], device: (u32, u32)) {
        let size = u32::try_from(data.len()).expect("a file of the image is under 4 GiB");
        let name_size = u32::try_from(path.len() + 1).expect("a path is short");
        let fields = [
            inode,
            mode,
            0, // uid
            0, // gid
            1, // links
            if inode == 0 { 0 } else { self.modified_seconds },
            size,
            0, // device that holds the file: major, minor
            0,
            device.0,
            device.1,
            name_size,
            0, // checksum, unused in this format
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad(4);
        self.bytes.extend_from_slice(data);
        self.pad(4);
    }

    fn pad(&mut self, alignment: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(alignment), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_laid_out_as_the_kernel_reads_them() {
        let mut archive = Archive::new(0x6000_0000);
        archive.add("bin", &Node::Folder);
        archive.add(
            "bin/abc",
            &Node::File {
                executable: true,
                bytes: b"hello",
            },
        );
        archive.add("dev", &Node::CharacterDevice { major: 5, minor: 1 });
        let bytes = archive.finish();
        let text = String::from_utf8_lossy(&bytes);
        // Header 110 bytes + "bin\0" = 114, padded to 116.
        assert_eq!(&text[..14], "07070100000001");
        assert_eq!(&text[116..122], "070701");
        assert_eq!(&text[116 + 14..116 + 22], "000081ED");
        assert_eq!(&text[116 + 46..116 + 54], "60000000");
        assert_eq!(&text[116 + 54..116 + 62], "00000005");
        // 116 + 110 + "bin/abc\0" = 234, padded to 236.
        assert_eq!(&text[236..241], "hello");
        assert_eq!(&text[244..250], "070701");
        assert_eq!(&text[244 + 78..244 + 94], "0000000500000001");
        assert_eq!(bytes.len() % 512, 0);
    }
}
