//! `--batch`: a number, or what fits into this machine's memory.

use std::str::FromStr;

use crate::{engine, machine};

/// How many are worked on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// As many as fit.
    Auto,
    /// So many.
    Of(usize),
}

impl FromStr for BatchSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) => Err("at least 1".into()),
            Ok(number) => Ok(Self::Of(number)),
            Err(_) if text == "auto" => Ok(Self::Auto),
            Err(_) => Err("write a number or auto".into()),
        }
    }
}

impl BatchSize {
    /// The number: of `sizes`, the first for which what `needs` says (bytes) fits into four fifths of the memory that is
    /// available now. `what` are the items.
    ///
    /// # Errors
    /// Not even the last fits, or what is available is not known: on a GPU, or where the system does not tell.
    pub fn resolve(
        self,
        what: &str,
        sizes: &[usize],
        needs: impl Fn(usize) -> u64,
    ) -> miette::Result<usize> {
        match self {
            Self::Of(number) => Ok(number),
            Self::Auto if engine::chosen().name() != "cpu" => Err(miette::miette!(
                "--batch auto: how much memory the GPU has left is not known; give a number"
            )),
            Self::Auto => match machine::available() {
                Some(bytes) => fitting(what, sizes, needs, bytes / 5 * 4),
                None => Err(miette::miette!(
                    "--batch auto: this system does not tell how much memory is available; give a number"
                )),
            },
        }
    }
}

fn fitting(
    what: &str,
    sizes: &[usize],
    needs: impl Fn(usize) -> u64,
    bytes: u64,
) -> miette::Result<usize> {
    let mb = |bytes: u64| bytes.div_ceil(1_000_000);
    let found = sizes.iter().copied().find(|&size| needs(size) <= bytes);
    found.ok_or_else(|| {
        let least = sizes.last().copied().unwrap_or(1);
        miette::miette!(
            "--batch auto: {least} {what} at once need {} MB, of {} MB that may be used; end other programs, take smaller images, or give a number",
            mb(needs(least)),
            mb(bytes)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_auto() {
        assert_eq!("12".parse(), Ok(BatchSize::Of(12)));
        assert_eq!("auto".parse(), Ok(BatchSize::Auto));
        for wrong in ["0", "-1", "all", ""] {
            assert!(wrong.parse::<BatchSize>().is_err(), "{wrong}");
        }
        let given = BatchSize::Of(3).resolve("patches", &[8], |_| u64::MAX);
        assert_eq!(given.unwrap(), 3);
    }

    #[test]
    fn the_largest_that_fits() {
        let needs = |size: usize| 100 + 10 * size as u64;
        for (bytes, size) in [(1000, 32), (420, 32), (419, 16), (260, 16), (180, 8)] {
            let found = fitting("patches", &[32, 16, 8], needs, bytes);
            assert_eq!(found.unwrap(), size);
        }
        let error = fitting("patches", &[32, 16, 8], needs, 179).unwrap_err();
        assert!(error.to_string().contains("8 patches at once need 1 MB"));
    }
}
