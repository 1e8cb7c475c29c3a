//! Numbers as a reader wants them: two decimals, thousands apart, a real minus sign.

/// A value with two decimals: `0.97`, `−0.12`; a dash where there is none.
pub(crate) fn two(value: impl Into<Option<f64>>) -> String {
    decimals(value.into(), 2)
}

/// A value with three decimals.
pub(crate) fn three(value: impl Into<Option<f64>>) -> String {
    decimals(value.into(), 3)
}

fn decimals(value: Option<f64>, places: usize) -> String {
    match value {
        Some(v) if v.is_finite() => {
            let text = format!("{v:.places$}");
            // "-0.00" is nothing but zero.
            match text.strip_prefix('-') {
                Some(rest) if rest.bytes().any(|b| (b'1'..=b'9').contains(&b)) => {
                    format!("\u{2212}{rest}")
                }
                Some(rest) => rest.to_owned(),
                None => text,
            }
        }
        _ => "\u{2013}".to_owned(),
    }
}

/// A difference with its sign, even where it rounds to nothing: `+0.12`, `−0.05`, `+0.00`.
pub(crate) fn signed(value: f64) -> String {
    let sign = match value {
        v if v > 0.0 => "+",
        v if v < 0.0 => "\u{2212}",
        _ => "",
    };
    format!("{sign}{}", two(value.abs()))
}

/// A value of unknown size with three significant digits: `949`, `0.634`, `1.11e−4`.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{value:.2e}")
    } else {
        let places = 2 - size.log10().floor() as i32;
        format!("{value:.*}", usize::try_from(places).unwrap_or(0))
    };
    text.replace('-', "\u{2212}")
}

/// A probability: three decimals, and `< 0.001` below that.
pub(crate) fn probability(value: Option<f64>) -> String {
    match value {
        Some(v) if v < 0.001 => "< 0.001".to_owned(),
        other => three(other),
    }
}

/// An interval: `0.95 to 0.98`.
pub(crate) fn interval(low: f64, high: f64) -> String {
    format!("{} to {}", two(low), two(high))
}

/// A value, and its interval in brackets where it is known: `0.95 (0.92 to 0.98)`.
pub(crate) fn bracketed(value: Option<f64>, ends: Option<(f64, f64)>) -> String {
    match (value, ends) {
        (Some(_), Some((low, high))) => format!("{} ({})", two(value), interval(low, high)),
        _ => two(value),
    }
}

/// A count with thousands apart: `24,775`.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 patch`, `2,448 patches`.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(two(0.974), "0.97");
        assert_eq!(two(-0.5), "\u{2212}0.50");
        assert_eq!(two(-0.001), "0.00");
        assert_eq!(two(None), "\u{2013}");
        assert_eq!(two(f64::NAN), "\u{2013}");
        assert_eq!(signed(0.123), "+0.12");
        assert_eq!(signed(-0.123), "\u{2212}0.12");
        assert_eq!(signed(0.001), "+0.00");
        assert_eq!(signed(-0.001), "\u{2212}0.00");
        assert_eq!(signed(0.0), "0.00");
        assert_eq!(significant(949.4), "949");
        assert_eq!(significant(3170.3), "3170");
        assert_eq!(significant(0.6343), "0.634");
        assert_eq!(significant(-0.000_111_2), "\u{2212}1.11e\u{2212}4");
        assert_eq!(significant(0.0), "0");
        assert_eq!(probability(Some(0.0004)), "< 0.001");
        assert_eq!(probability(Some(0.0414)), "0.041");
        assert_eq!(count(7), "7");
        assert_eq!(count(1_024_775), "1,024,775");
        assert_eq!(counted(1, "patch", "patches"), "1 patch");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
