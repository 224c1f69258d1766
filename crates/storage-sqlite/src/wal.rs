//! Reading a write-ahead log as SQLite would recover it: <https://sqlite.org/fileformat2.html#walformat>.

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// What a write-ahead log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Whole transactions that are not in the main file yet; SQLite reads them.
    pub transactions: u64,
    /// Frames of this log that no reader gets to see: after the last whole transaction.
    pub torn_frames: u64,
    /// Ends of transactions among those frames. With one, a last write was torn, as by a loss of
    /// power before it was acknowledged. With more, the log was damaged afterwards.
    pub lost_transactions: u64,
}

pub(crate) fn examine(bytes: &[u8]) -> Log {
    let mut log = Log::default();
    let big_endian = match word(bytes, 0, true) {
        Some(0x377f_0682) => false,
        Some(0x377f_0683) => true,
        _ => return log,
    };
    let (Some(page), Some(salt)) = (word(bytes, 8, true), bytes.get(16..24)) else {
        return log;
    };
    let mut sum = checksum((0, 0), bytes.get(..24).unwrap_or_default(), big_endian);
    let mut whole = stored(bytes, 24) == Some(sum);
    let size = FRAME_HEADER + page as usize;
    let mut pending = 0;
    let frames = bytes.get(HEADER..).unwrap_or_default().chunks(size);
    for frame in frames {
        if frame.get(8..16) != Some(salt) {
            // Of an earlier round of the log, or cut in its header.
            log.torn_frames += u64::from(frame.len() < FRAME_HEADER);
            break;
        }
        let commits = word(frame, 4, true).is_some_and(|pages| pages > 0);
        if whole && frame.len() == size {
            sum = checksum(sum, &frame[..8], big_endian);
            sum = checksum(sum, &frame[FRAME_HEADER..], big_endian);
            whole = stored(frame, 16) == Some(sum);
        } else {
            whole = false;
        }
        pending += 1;
        if whole && commits {
            log.transactions += 1;
            pending = 0;
        } else if commits {
            log.lost_transactions += 1;
        }
    }
    log.torn_frames += pending;
    log
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let word = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(match big_endian {
        true => u32::from_be_bytes(word),
        false => u32::from_le_bytes(word),
    })
}

fn stored(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    Some((word(bytes, at, true)?, word(bytes, at + 4, true)?))
}

fn checksum((mut one, mut two): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    for at in (0..bytes.len() / 8).map(|pair| pair * 8) {
        let (x, y) = (word(bytes, at, big_endian), word(bytes, at + 4, big_endian));
        one = one.wrapping_add(x.unwrap_or(0)).wrapping_add(two);
        two = two.wrapping_add(y.unwrap_or(0)).wrapping_add(one);
    }
    (one, two)
}
