//! Attention and morphology, side by side.

use std::collections::BTreeMap;

use spolia_stats::{Correlation, spearman_test};

use super::{Morphology, Observation, RegressionOptions, Slope, regression};
use crate::Error;

/// How attention relates to one side of morphology.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Which: a [`Morphology`]'s name, or `atypia` for their sum.
    pub morphology: &'static str,
    /// Spearman's correlation of the ranks within patches, by itself.
    pub alone: Correlation,
    /// The slope of attention with area and stain held fixed, of area with stain, of stain with area.
    pub controlled: Slope,
}

/// Every [`Morphology`] and `atypia`, the mean of eccentricity, irregularity and chromatin texture, each in standard
/// deviations within patches. Nuclei that touch the border, whose shape is cut, are left out.
///
/// # Errors
/// [`Error::Statistics`] where attention or a morphology does not vary within patches or there are too few nuclei.
pub fn claim(
    observations: &[Observation],
    options: &RegressionOptions,
) -> Result<Vec<Relation>, Error> {
    let whole: Vec<&Observation> = observations.iter().filter(|o| o.whole).collect();
    let patches: Vec<usize> = whole.iter().map(|o| o.patch).collect();
    let groups: Vec<usize> = whole.iter().map(|o| o.group).collect();
    let attention: Vec<f64> = whole.iter().map(|o| o.attention).collect();
    let column = |m: Morphology| {
        let place = Morphology::ALL.iter().position(|of| *of == m);
        let place = place.unwrap_or_default();
        whole
            .iter()
            .map(|o| o.morphology[place])
            .collect::<Vec<f64>>()
    };
    let (area, stain) = (column(Morphology::Area), column(Morphology::Stain));

    let mut atypia = vec![0f64; whole.len()];
    for part in [
        Morphology::Eccentricity,
        Morphology::Irregularity,
        Morphology::ChromatinSd,
    ] {
        let column = standardised(&column(part), &patches);
        atypia
            .iter_mut()
            .zip(column)
            .for_each(|(a, v)| *a += v / 3.0);
    }

    let ranked = ranks(&attention, &patches);
    let relate =
        |morphology: &'static str, x: &[f64], controls: &[Vec<f64>]| -> Result<Relation, Error> {
            Ok(Relation {
                morphology,
                alone: spearman_test(
                    &ranked,
                    &ranks(x, &patches),
                    Some(&patches),
                    options.permutations,
                    options.seed,
                )?,
                controlled: regression(&attention, x, controls, &patches, &groups, options)?,
            })
        };
    let mut found = Vec::new();
    for morphology in Morphology::ALL {
        let controls: Vec<Vec<f64>> = [(Morphology::Area, &area), (Morphology::Stain, &stain)]
            .into_iter()
            .filter(|(m, _)| *m != morphology)
            .map(|(_, c)| c.clone())
            .collect();
        found.push(relate(morphology.name(), &column(morphology), &controls)?);
    }
    found.push(relate("atypia", &atypia, &[area, stain])?);
    Ok(found)
}

/// Rank within the patch, from 0 to 1 exclusive, equal values sharing the mean of theirs.
fn ranks(values: &[f64], patches: &[usize]) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    for mut rows in rows_of(patches) {
        rows.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let n = rows.len() as f64;
        let mut before = 0;
        for tied in rows.chunk_by(|&a, &b| values[a] == values[b]) {
            for &row in tied {
                out[row] = (before as f64 + tied.len() as f64 / 2.0) / n;
            }
            before += tied.len();
        }
    }
    out
}

/// Centred within patches and divided by the standard deviation within them; 0 where nothing varies.
fn standardised(values: &[f64], patches: &[usize]) -> Vec<f64> {
    let mut out = values.to_vec();
    for rows in rows_of(patches) {
        let mean = rows.iter().map(|&r| values[r]).sum::<f64>() / rows.len() as f64;
        rows.iter().for_each(|&r| out[r] -= mean);
    }
    let sd = (out.iter().map(|v| v * v).sum::<f64>() / out.len().max(1) as f64).sqrt();
    if sd > 0.0 {
        out.iter_mut().for_each(|v| *v /= sd);
    }
    out
}

fn rows_of(labels: &[usize]) -> Vec<Vec<usize>> {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        rows.entry(label).or_default().push(row);
    }
    rows.into_values().collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use spolia_measure::nuclei::Nucleus;

    use super::*;

    /// Uniform in 0-1, the `k`th value of series `of`.
    fn value(k: usize, of: u64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(of);
        rng.set_stream(k as u64);
        rng.random_range(0.0..1.0)
    }

    fn observations(attention: impl Fn(&Nucleus, usize) -> f64) -> Vec<Observation> {
        (0..400)
            .map(|i| {
                let area = 100.0 + 80.0 * value(i, 1);
                let nucleus = Nucleus {
                    label: i as u32 + 1,
                    centroid: (0.0, 0.0),
                    area,
                    perimeter: 40.0,
                    major_axis: 12.0,
                    minor_axis: 10.0,
                    // Larger nuclei are more irregular: area is a confounder.
                    eccentricity: 0.3 + 0.5 * value(i, 2),
                    orientation: 0.0,
                    solidity: 1.0 - 0.002 * area * value(i, 3),
                    touches_border: i % 10 == 0,
                    haematoxylin: 0.3 + 0.3 * value(i, 4),
                    chromatin_sd: 0.05 + 0.1 * value(i, 5),
                };
                Observation::new(attention(&nucleus, i), &nucleus, i / 10, i / 40)
            })
            .collect()
    }

    fn by_name<'a>(found: &'a [Relation], name: &str) -> &'a Relation {
        found.iter().find(|r| r.morphology == name).unwrap()
    }

    /// Attention follows area alone: irregularity rises with it too, but not once area is held fixed.
    #[test]
    fn area_explains_irregularity_away() {
        let data = observations(|n, i| n.area / 100.0 + 0.2 * value(i, 6) + (i / 10) as f64);
        let found = claim(&data, &RegressionOptions::default()).unwrap();
        assert_eq!(found.len(), 6);
        let irregular = by_name(&found, "irregularity");
        assert!(irregular.alone.rho > 0.2 && irregular.alone.p_value < 0.01);
        assert!(irregular.controlled.p_value > 0.05, "{irregular:?}");
        let area = by_name(&found, "area");
        assert!(area.controlled.partial > 0.9 && area.controlled.p_value <= 0.001);
        assert!(area.controlled.interval.unwrap().low > 0.5);
        assert!(area.controlled.p_groups.unwrap() < 0.01);
        assert_eq!(area.controlled.counts, [360, 40, 10]);
    }

    /// Attention follows eccentricity beyond area and stain.
    #[test]
    fn atypia_is_found() {
        let data = observations(|n, i| {
            n.eccentricity + n.area / 300.0 - n.haematoxylin + 0.2 * value(i, 6)
        });
        let found = claim(&data, &RegressionOptions::default()).unwrap();
        let eccentric = by_name(&found, "eccentricity").controlled;
        assert!((eccentric.slope - 1.0).abs() < 0.1 && eccentric.p_value <= 0.001);
        let atypia = by_name(&found, "atypia").controlled;
        assert!(atypia.partial > 0.3 && atypia.interval.unwrap().low > 0.0);
        assert!(by_name(&found, "chromatin_sd").controlled.p_value > 0.01);
    }

    /// One patch: ranks within it are ranks, and the correlation is Spearman's.
    #[test]
    fn ranks_within_patches() {
        assert_eq!(
            ranks(&[5.0, 1.0, 5.0, 9.0, 7.0], &[0, 0, 0, 0, 1]),
            [0.5, 0.125, 0.5, 0.875, 0.5]
        );
    }
}
