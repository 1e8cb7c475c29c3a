//! Do the maps of different patches point at the same place? Then they show the network's habit, not the tissue.

use std::path::Path;

use super::attention::Map;

/// How alike the maps of one network and method are.
pub(crate) struct Likeness {
    pub(crate) network: String,
    pub(crate) method: String,
    /// Maps compared.
    pub(crate) maps: usize,
    /// Mean over maps of the correlation, over positions, of a map with the mean of the other maps, each map scaled to
    /// its own maximum: 0 where every map has its own place, 1 where all have the same.
    pub(crate) correlation: f64,
}

/// The likeness for each network and method with at least three maps of the same size that are not flat.
pub(crate) fn likeness(folder: &Path, maps: &[Map]) -> Vec<Likeness> {
    let kinds = super::first_seen(maps.iter().map(|m| (&m.network, &m.method)));
    kinds
        .into_iter()
        .filter_map(|(network, method)| {
            let own = maps
                .iter()
                .filter(|m| (&m.network, &m.method) == (network, method));
            let values: Vec<Vec<f64>> = own.filter_map(|m| read(folder, m)).collect();
            let size = values.first()?.len();
            let same = values.len() >= 3 && values.iter().all(|v| v.len() == size);
            Some(Likeness {
                network: network.clone(),
                method: method.clone(),
                maps: values.len(),
                correlation: with_the_others(&values).filter(|_| same)?,
            })
        })
        .collect()
}

/// A map scaled to its maximum; `None` where it is flat, or where its file is gone.
fn read(folder: &Path, map: &Map) -> Option<Vec<f64>> {
    let bytes = std::fs::read(folder.join(map.raw())).ok()?;
    let values: Vec<f32> = npyz::NpyFile::new(bytes.as_slice()).ok()?.into_vec().ok()?;
    let most = values.iter().copied().fold(0.0, f32::max);
    let least = values.iter().copied().fold(most, f32::min);
    (most > least).then(|| values.iter().map(|v| f64::from(v / most)).collect())
}

fn with_the_others(maps: &[Vec<f64>]) -> Option<f64> {
    let mut sum = vec![0.0; maps.first()?.len()];
    for map in maps {
        sum.iter_mut().zip(map).for_each(|(s, v)| *s += v);
    }
    let each: Vec<f64> = maps
        .iter()
        .filter_map(|map| {
            let others: Vec<f64> = sum.iter().zip(map).map(|(s, v)| s - v).collect();
            pearson(map, &others)
        })
        .collect();
    (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let moment = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum()
    };
    let spread = (moment(&|x, _| x * x) * moment(&|_, y| y * y)).sqrt();
    (spread > 0.0).then(|| moment(&|x, y| x * y) / spread)
}

#[cfg(test)]
mod tests {
    use super::with_the_others;

    #[test]
    fn the_same_place_is_1_and_places_of_their_own_are_below_0() {
        let corner = vec![1.0, 0.0, 0.0, 0.0];
        let same = with_the_others(&[corner.clone(), corner.clone(), corner]).unwrap();
        assert!((same - 1.0).abs() < 1e-12);
        // A corner each: two of them correlate -1/3, so one with the sum of two others -2/3 / sqrt(2 - 2/3).
        let own: Vec<Vec<f64>> = (0..3)
            .map(|k| (0..4).map(|i| f64::from(u8::from(i == k))).collect())
            .collect();
        let expected = -2.0 / 3.0 / (2.0_f64 - 2.0 / 3.0).sqrt();
        assert!((with_the_others(&own).unwrap() - expected).abs() < 1e-12);
        assert!(with_the_others(&[vec![1.0, 1.0]]).is_none());
    }
}
