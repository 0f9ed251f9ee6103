//! Kubernetes quantities: `100m`, `0.5`, `2k`, `1e3`, `1Gi`.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/api/resource`. The `kube_quantity` crate adds and compares
//! `k8s_openapi` objects of one exact version; here a number is all that is wanted.

/// The value as a plain number; `None` when the text is no quantity.
pub(super) fn parse(text: &str) -> Option<f64> {
    let (number, suffix) = text.split_at(number_length(text));
    if !number.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    match binary(suffix) {
        Some(factor) => Some(number.parse::<f64>().ok()? * factor),
        // Parsed in one go, `1100m` becomes the number nearest to 1.1; a multiplication would round twice.
        None => format!("{number}e{}", exponent(suffix)?).parse().ok(),
    }
    .filter(|value: &f64| value.is_finite())
}

fn number_length(text: &str) -> usize {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text.bytes().skip(sign).take_while(|b| b.is_ascii_digit() || *b == b'.');
    sign + digits.count()
}

fn binary(suffix: &str) -> Option<f64> {
    let power = match suffix {
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        "Ti" => 40,
        "Pi" => 50,
        "Ei" => 60,
        _ => return None,
    };
    Some(f64::powi(2.0, power))
}

fn exponent(suffix: &str) -> Option<i32> {
    Some(match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => return suffix.strip_prefix(['e', 'E'])?.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[allow(clippy::float_cmp)]
    fn every_form_is_read_exactly() {
        for (text, value) in [
            ("0", 0.0),
            ("1", 1.0),
            ("+1", 1.0),
            ("-1", -1.0),
            ("0.5", 0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("100m", 0.1),
            ("1100m", 1.1),
            ("1500m", 1.5),
            ("250u", 0.000_25),
            ("1n", 1e-9),
            ("2k", 2e3),
            ("3M", 3e6),
            ("1G", 1e9),
            ("1T", 1e12),
            ("1P", 1e15),
            ("1E", 1e18),
            ("1e3", 1e3),
            ("1E3", 1e3),
            ("12e-1", 1.2),
            ("1e+2", 1e2),
            ("1Ki", 1024.0),
            ("1.5Gi", 1_610_612_736.0),
            ("1Ei", 1_152_921_504_606_846_976.0),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_unknown() {
        for text in [
            "", "m", "-", ".", "1.2.3", "1K", "1ki", "1mi", "1 ", " 1", "1e", "1e1.5", "inf", "NaN", "1e999",
            "1_0",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_and_milli_units_come_back(n in 0_u32..=u32::MAX) {
            prop_assert_eq!(parse(&n.to_string()), Some(f64::from(n)));
            prop_assert_eq!(parse(&format!("{n}m")), Some(f64::from(n) / 1000.0));
            prop_assert_eq!(parse(&format!("{n}Ki")), Some(f64::from(n) * 1024.0));
        }

        #[test]
        fn no_text_makes_it_panic_or_gives_an_infinite_value(text in ".{0,12}") {
            prop_assert!(parse(&text).is_none_or(f64::is_finite));
        }
    }
}
