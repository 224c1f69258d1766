//! Zip archives whose bytes depend on names and contents alone.

/// Without compression: what is zipped here is small, and no version of a compressor may change a
/// digest.
const STORED: u16 = 0;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
const VERSION: u16 = 20;
/// 1 January 1980, the first day that the format knows.
const DATE: u16 = 0x21;

/// A zip archive of these files, in this order.
pub(crate) fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for (name, content) in files {
        let offset = out.len() as u32;
        let about = about(name, content);
        out.extend(0x0403_4b50_u32.to_le_bytes());
        out.extend(&about);
        out.extend(name.as_bytes());
        out.extend(content);

        directory.extend(0x0201_4b50_u32.to_le_bytes());
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&about);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
        count += 1;
    }
    let (offset, size) = (out.len() as u32, directory.len() as u32);
    out.extend(directory);
    out.extend(0x0605_4b50_u32.to_le_bytes());
    out.extend([0; 4]);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// What stands both before a file and in the directory.
fn about(name: &str, content: &[u8]) -> Vec<u8> {
    let mut about = Vec::new();
    for number in [VERSION, FLAGS, STORED, 0, DATE] {
        about.extend(number.to_le_bytes());
    }
    let size = content.len() as u32;
    for number in [crc32(content), size, size] {
        about.extend(number.to_le_bytes());
    }
    about.extend((name.len() as u16).to_le_bytes());
    about.extend([0; 2]);
    about
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let odd = sum & 1 == 1;
            sum >>= 1;
            if odd {
                sum ^= 0xedb8_8320;
            }
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_formats() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn an_archive_is_its_names_and_contents_and_nothing_else() {
        let files = [("a.py", &b"x = 1\n"[..]), ("levels/é.txt", b"")];
        let archive = zip(files);
        assert_eq!(archive, zip(files));
        assert_ne!(archive, zip([files[1], files[0]]));
        assert_eq!(&archive[..4], b"PK\x03\x04");
        // Local headers, directory and end, with each name twice.
        assert_eq!(archive.len(), 2 * (30 + 46) + 22 + 2 * (4 + 13) + 6);
    }
}
