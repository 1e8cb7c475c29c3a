//! Channels as they are written: `0-7`, `0-3,17`, `all`.

use super::plan::Channels;

/// Most channels of any layer; a larger number is a slip of the pen.
pub const MOST: usize = 1 << 16;

/// Reads channels; `None` where the text is neither `all` nor a list of numbers and ranges.
///
/// ```
/// use spolia::study::{Channels, channels};
/// assert_eq!(channels::parse("2-4,9"), Some(Channels::These(vec![2, 3, 4, 9])));
/// assert_eq!(channels::parse("4-2"), None);
/// ```
pub fn parse(text: &str) -> Option<Channels> {
    if text.trim() == "all" {
        return Some(Channels::All);
    }
    let mut channels = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (first.trim().parse().ok()?, last.trim().parse().ok()?),
            None => {
                let one: usize = part.trim().parse().ok()?;
                (one, one)
            }
        };
        if first > last || last >= MOST {
            return None;
        }
        channels.extend(first..=last);
    }
    channels.sort_unstable();
    channels.dedup();
    Some(Channels::These(channels))
}
