//! Agreement of masks, with numbers that can be checked by hand.

use spolia_measure::Error;
use spolia_measure::nuclei::{Agreement, InstanceMask, aggregated_jaccard, agreement, dice, f1};

/// A mask from rows of digits.
fn mask(rows: &[&str]) -> InstanceMask {
    let labels = rows
        .iter()
        .flat_map(|row| row.bytes().map(|digit| u32::from(digit - b'0')));
    InstanceMask::new(labels.collect(), rows[0].len(), rows.len()).unwrap()
}

#[test]
fn a_mask_agrees_with_itself_whatever_its_labels() {
    let truth = mask(&["11022", "11022", "00000", "33333"]);
    let renamed = mask(&["77055", "77055", "00000", "11111"]);
    let perfect = Agreement {
        dice: 1.0,
        aji: 1.0,
        f1: 1.0,
    };
    assert_eq!(agreement(&truth, &renamed).unwrap(), perfect);
}

#[test]
fn one_good_one_poor_one_missed_one_false() {
    let truth = mask(&["111102222", "000000000", "333000000"]);
    let found = mask(&["111000222", "000000022", "000004400"]);
    // Areas 4, 4, 3 and 3, 5, 2. Intersections: 1-1 3 of union 4; 2-2 3 of union 6.
    assert_eq!(dice(&truth, &found).unwrap(), 2.0 * 6.0 / 21.0);
    // Unions 4 + 6, the missed nucleus 3, the false one 2.
    assert_eq!(aggregated_jaccard(&truth, &found).unwrap(), 6.0 / 15.0);
    // 3/4 is above 0.5; 3/6 is not.
    assert_eq!(f1(&truth, &found, 0.5).unwrap(), 2.0 / 6.0);
    assert_eq!(f1(&truth, &found, 0.8).unwrap(), 0.0);
}

#[test]
fn two_nuclei_found_as_one() {
    let truth = mask(&["1112222"]);
    let found = mask(&["5555555"]);
    assert_eq!(dice(&truth, &found).unwrap(), 1.0);
    // The found nucleus is the best of both: (3 + 4) / (7 + 7).
    assert_eq!(aggregated_jaccard(&truth, &found).unwrap(), 0.5);
    assert_eq!(f1(&truth, &found, 0.5).unwrap(), 2.0 / 3.0);
}

#[test]
fn without_nuclei() {
    let (none, one) = (mask(&["000"]), mask(&["010"]));
    let all = |value| Agreement {
        dice: value,
        aji: value,
        f1: value,
    };
    assert_eq!(agreement(&none, &none).unwrap(), all(1.0));
    assert_eq!(agreement(&none, &one).unwrap(), all(0.0));
    assert_eq!(agreement(&one, &none).unwrap(), all(0.0));
}

#[test]
fn errors_name_what_is_wrong() {
    let (row, column) = (mask(&["010"]), mask(&["0", "1", "0"]));
    let message = agreement(&row, &column).unwrap_err().to_string();
    assert!(
        message.contains("3 x 1") && message.contains("1 x 3"),
        "{message}"
    );
    for iou in [0.4, 1.0, f64::NAN] {
        assert!(matches!(
            f1(&row, &row, iou),
            Err(Error::NucleiOption { option: "iou", .. })
        ));
    }
    assert!(InstanceMask::new(vec![0; 5], 2, 3).is_err());
    assert!(InstanceMask::new(vec![], 0, 3).is_err());
}
