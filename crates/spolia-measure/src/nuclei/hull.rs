//! The convex hull of a set of pixels.

/// Number of pixels in the convex hull of a shape, as `skimage.morphology.convex_hull_image` counts.
///
/// `rows` holds, from row `top` downwards, the first and the last column of the shape, `None` for a
/// row without. The hull is that of the middles of all pixels' edges; pixels whose centre lies in it
/// or on its border count. All in integers of half a pixel, so nothing depends on rounding.
pub(super) fn hull_area(top: usize, rows: &[Option<(usize, usize)>]) -> u64 {
    let mut points = Vec::with_capacity(6 * rows.len());
    for (k, row) in rows.iter().enumerate() {
        if let Some((first, last)) = *row {
            let y = 2 * (top + k) as i64;
            let (first, last) = (2 * first as i64, 2 * last as i64);
            points.extend([(y, first - 1), (y, last + 1)]);
            points.extend([(y - 1, first), (y + 1, first), (y - 1, last), (y + 1, last)]);
        }
    }
    points.sort_unstable();
    points.dedup();
    // Both chains go down the rows; the left one bends to the right, the right one to the left.
    let left = chain(&points, 1);
    let right = chain(&points, -1);
    (0..rows.len())
        .map(|k| {
            let y = 2 * (top + k) as i64;
            let first = -floor_column(&left, y, -1);
            let last = floor_column(&right, y, 1);
            (last - first + 1).max(0).cast_unsigned()
        })
        .sum()
}

/// One side of the hull (Andrew's monotone chain): `side` 1 for the left, -1 for the right one.
fn chain(points: &[(i64, i64)], side: i64) -> Vec<(i64, i64)> {
    let mut chain: Vec<(i64, i64)> = Vec::new();
    for &point in points {
        while let [.., a, b] = chain[..] {
            let turn = (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0);
            if side * turn > 0 {
                break;
            }
            chain.pop();
        }
        chain.push(point);
    }
    chain
}

/// The column (whole pixels, rounded down) where a chain, times `sign`, crosses row `y` (halves).
fn floor_column(chain: &[(i64, i64)], y: i64, sign: i64) -> i64 {
    let crossing = chain.windows(2).find_map(|edge| match edge {
        [a, b] if a.0 <= y && y <= b.0 && a.0 < b.0 => {
            let height = b.0 - a.0;
            let column = a.1 * height + (y - a.0) * (b.1 - a.1);
            Some((sign * column).div_euclid(2 * height))
        }
        _ => None,
    });
    // Every row of the shape lies between the chain's ends.
    crossing.unwrap_or(0)
}
