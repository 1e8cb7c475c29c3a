//! Products by every kind of instructions that this processor has, beside sums in double precision.

use proptest::prelude::*;

use super::{
    super::properties::noise,
    {Finish, Instructions, Panels},
};

/// Row-major rows x columns, laid out in panels.
fn laid_out(panels: Panels, matrix: &[f32]) -> Vec<f32> {
    let mut values = vec![0.0; panels.len()];
    for column in 0..panels.columns {
        let (first, stride) = panels.column(column);
        for row in 0..panels.rows {
            values[first + row * stride] = matrix[row * panels.columns + column];
        }
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_are_sums_of_products(
        (rows, depth, columns) in (1..40usize, 1..50usize, 1..90usize),
        (more, further) in (0..5usize, 0..5usize),
        (add, bias, relu) in (any::<bool>(), any::<bool>(), any::<bool>()),
        split in 0..40usize,
        seed: u64,
    ) {
        let (lhs_stride, out_stride) = (depth + more, columns + further);
        let lhs = noise(seed, rows * lhs_stride);
        let rhs = noise(seed ^ 1, depth * columns);
        let before = noise(seed ^ 2, rows * out_stride);
        let shift = noise(seed ^ 3, columns);
        for instructions in Instructions::all() {
            let panels = Panels::with(instructions, depth, columns);
            let values = laid_out(panels, &rhs);
            let half = depth / 2;
            let finish = Finish { add, bias: bias.then_some(shift.as_slice()), relu };
            let product = |split: usize| {
                let mut out = before.clone();
                for part in [0..split, split..rows] {
                    for panel in (0..panels.count()).rev() {
                        // Safety: both matrices have the rows of the part.
                        unsafe {
                            panels.multiply(
                                &values,
                                (panel, &[panels.run(panel, 0, 0, half), panels.run(panel, half as isize, half, depth - half)]),
                                part.len(),
                                (lhs.as_ptr().wrapping_add(part.start * lhs_stride), lhs_stride),
                                (out.as_mut_ptr().wrapping_add(part.start * out_stride), out_stride),
                                finish,
                            );
                        }
                    }
                }
                out
            };
            let found = product(0);
            prop_assert_eq!(&found, &product(split.min(rows)));
            for (row, line) in found.chunks_exact(out_stride).enumerate() {
                let old = &before[row * out_stride..];
                for (column, &value) in line.iter().enumerate() {
                    if column >= columns {
                        prop_assert_eq!(value, old[column]);
                        continue;
                    }
                    let mut sum: f64 = (0..depth)
                        .map(|k| f64::from(lhs[row * lhs_stride + k]) * f64::from(rhs[k * columns + column]))
                        .sum();
                    sum += if bias { f64::from(shift[column]) } else { 0.0 };
                    sum += if add { f64::from(old[column]) } else { 0.0 };
                    let expected = if relu { sum.max(0.0) } else { sum };
                    prop_assert!(
                        (f64::from(value) - expected).abs() < 1e-5,
                        "{instructions:?}, row {row}, column {column}: {value}, not {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn transposed_products_are_added(
        (depth, rows, columns) in (1..40usize, 1..50usize, 1..90usize),
        (more, further, above) in (0..5usize, 0..5usize, 0..9usize),
        seed: u64,
    ) {
        let (lhs_stride, rhs_stride) = (rows + more, columns + further);
        let lhs = noise(seed, depth * lhs_stride);
        let rhs = noise(seed ^ 1, depth * rhs_stride);
        let before = noise(seed ^ 2, (above + rows) * columns);
        for instructions in Instructions::all() {
            let panels = Panels::with(instructions, above + rows, columns);
            let mut out = laid_out(panels, &before);
            // Safety: the matrix has `above` rows before those that are written.
            unsafe {
                panels.add_transposed(
                    depth,
                    (lhs.as_ptr(), lhs_stride, rows),
                    (rhs.as_ptr(), rhs_stride),
                    (out.as_mut_ptr(), above),
                    &mut Vec::new(),
                );
            }
            let mut expected: Vec<f64> = before.iter().map(|&v| f64::from(v)).collect();
            for row in 0..rows {
                for column in 0..columns {
                    expected[(above + row) * columns + column] += (0..depth)
                        .map(|k| {
                            f64::from(lhs[k * lhs_stride + row]) * f64::from(rhs[k * rhs_stride + column])
                        })
                        .sum::<f64>();
                }
            }
            for (at, expected) in expected.iter().enumerate() {
                let (first, stride) = panels.column(at % columns);
                let value = f64::from(out[first + at / columns * stride]);
                prop_assert!((value - expected).abs() < 1e-5, "{instructions:?}, {at}: {value}, not {expected}");
            }
            // What fills the last panel stays zero.
            let sum: f64 = out.iter().map(|&v| f64::from(v)).sum();
            prop_assert!((sum - expected.iter().sum::<f64>()).abs() < 1e-2);
        }
    }
}

#[test]
fn a_value_that_is_no_number_is_closed_by_the_relu() {
    for instructions in Instructions::all() {
        let panels = Panels::with(instructions, 1, 3);
        let values = laid_out(panels, &[f32::NAN, -1.0, 1.0]);
        let mut out = [9f32; 3];
        let finish = Finish {
            relu: true,
            ..Finish::default()
        };
        // Safety: one row of one column, and of three.
        unsafe {
            panels.multiply(
                &values,
                (0, &[panels.run(0, 0, 0, 1)]),
                1,
                ([2f32].as_ptr(), 1),
                (out.as_mut_ptr(), 3),
                finish,
            );
        }
        assert_eq!(out, [0.0, 0.0, 2.0]);
    }
}
