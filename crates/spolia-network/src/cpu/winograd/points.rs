//! The sums of one line of a tile: m outputs of r taps from m + r - 1 products, after Winograd (1980), "Arithmetic Complexity
//! of Computations", by polynomials that are multiplied at m + r - 1 points (Toom and Cook). Points of opposite sign share
//! most of their sums. Those chosen here are exact in binary and rounding grows least with them: three times the error of a direct
//! sum with 3 taps in both directions, against four with the usual 0, 1, -1, 2, -2 (Barabasz et al. 2020, "Error Analysis
//! and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", choose points likewise).

use super::super::product::Vector;

/// How one direction of a tile of M outputs is computed from N products.
pub(super) trait Line<const M: usize, const N: usize>: Copy + Send + Sync {
    /// What the N products are made of, from N neighbouring inputs.
    ///
    /// # Safety
    /// The processor has T's instructions.
    unsafe fn inputs<T: Vector>(self, x: [T; N]) -> [T; N];

    /// The outputs.
    ///
    /// # Safety
    /// As above.
    unsafe fn outputs<T: Vector>(self, products: [T; N]) -> [T; M];

    /// The other way: gradients of the products, from those of the outputs.
    ///
    /// # Safety
    /// As above.
    unsafe fn products<T: Vector>(self, outputs: [T; M]) -> [T; N];
}

/// One tap: the input itself.
#[derive(Clone, Copy)]
pub(super) struct Tap;

impl Line<1, 1> for Tap {
    #[inline(always)]
    unsafe fn inputs<T: Vector>(self, x: [T; 1]) -> [T; 1] {
        x
    }

    #[inline(always)]
    unsafe fn outputs<T: Vector>(self, products: [T; 1]) -> [T; 1] {
        products
    }

    #[inline(always)]
    unsafe fn products<T: Vector>(self, outputs: [T; 1]) -> [T; 1] {
        outputs
    }
}

/// 0, then P pairs of +p and -p, then infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairs<const P: usize> {
    points: [f32; P],
    /// Of the product of (z - p^2) over the pairs, lowest power first but for the highest, which is 1.
    all: [f32; P],
    /// The same without each pair; so one coefficient less.
    without: [[f32; P]; P],
}

/// Coefficients of the product of (z - root), lowest power first, the last 1.
fn polynomial(roots: impl Iterator<Item = f64>) -> Vec<f64> {
    roots.fold(vec![1.0], |p, root| {
        (0..=p.len())
            .map(|i| {
                let above = if i > 0 { p[i - 1] } else { 0.0 };
                above - root * p.get(i).copied().unwrap_or(0.0)
            })
            .collect()
    })
}

impl<const P: usize> Pairs<P> {
    pub fn new(points: [f64; P]) -> Self {
        let squares = points.map(|p| p * p);
        let cut = |p: Vec<f64>| std::array::from_fn(|i| p[i] as f32);
        Self {
            points: points.map(|p| p as f32),
            all: cut(polynomial(squares.into_iter())),
            without: std::array::from_fn(|pair| {
                let others = squares.iter().enumerate().filter(|(i, _)| *i != pair);
                cut(polynomial(others.map(|(_, s)| *s)))
            }),
        }
    }
}

/// What a kernel's taps are multiplied by, for each of its products: rows of taps.
pub(super) fn of_taps<const P: usize>(points: [f64; P], taps: usize) -> Vec<Vec<f64>> {
    let mut rows = Vec::with_capacity(2 * P + 2);
    let signed: Vec<f64> = std::iter::once(0.0)
        .chain(points.into_iter().flat_map(|p| [p, -p]))
        .collect();
    for (i, &point) in signed.iter().enumerate() {
        let others = signed.iter().enumerate().filter(|(k, _)| *k != i);
        let scale: f64 = others.map(|(_, other)| point - other).product();
        rows.push((0..taps).map(|r| point.powi(r as i32) / scale).collect());
    }
    let last = (0..taps).map(|r| if r + 1 == taps { 1.0 } else { 0.0 });
    rows.push(last.collect());
    rows
}

impl<const P: usize, const M: usize, const N: usize> Line<M, N> for Pairs<P> {
    #[inline(always)]
    unsafe fn inputs<T: Vector>(self, x: [T; N]) -> [T; N] {
        const {
            assert!(N == 2 * P + 2 && M < N);
        }
        unsafe {
            let mut found = x;
            // Even powers at 0, odd ones at infinity.
            let (mut even, mut odd) = (x[N - 2], x[N - 1]);
            for k in 0..P {
                let factor = T::splat(self.all[k]);
                even = factor.mul_add(x[2 * k], even);
                odd = factor.mul_add(x[2 * k + 1], odd);
            }
            (found[0], found[N - 1]) = (even, odd);
            for pair in 0..P {
                let (mut even, mut odd) = (x[N - 2], x[N - 3]);
                for k in 0..P - 1 {
                    let factor = T::splat(self.without[pair][k]);
                    even = factor.mul_add(x[2 * k + 2], even);
                    odd = factor.mul_add(x[2 * k + 1], odd);
                }
                found[1 + 2 * pair] = T::splat(self.points[pair]).mul_add(odd, even);
                found[2 + 2 * pair] = T::splat(-self.points[pair]).mul_add(odd, even);
            }
            found
        }
    }

    #[inline(always)]
    unsafe fn outputs<T: Vector>(self, products: [T; N]) -> [T; M] {
        unsafe {
            let mut found = [T::splat(0.0); M];
            let minus = T::splat(-1.0);
            found[0] = products[0];
            for pair in 0..P {
                let (plus, less) = (products[1 + 2 * pair], products[2 + 2 * pair]);
                let (sum, difference) = (plus.add(less), less.mul_add(minus, plus));
                let point = self.points[pair];
                let mut power = 1.0;
                for (m, value) in found.iter_mut().enumerate() {
                    let of = if m % 2 == 0 { sum } else { difference };
                    *value = T::splat(power).mul_add(of, *value);
                    power *= point;
                }
            }
            found[M - 1] = found[M - 1].add(products[N - 1]);
            found
        }
    }

    #[inline(always)]
    unsafe fn products<T: Vector>(self, outputs: [T; M]) -> [T; N] {
        unsafe {
            let mut found = [T::splat(0.0); N];
            let minus = T::splat(-1.0);
            (found[0], found[N - 1]) = (outputs[0], outputs[M - 1]);
            for pair in 0..P {
                let (mut even, mut odd) = (outputs[0], T::splat(0.0));
                let point = self.points[pair];
                let mut power = point;
                for (m, value) in outputs.iter().enumerate().skip(1) {
                    let of = if m % 2 == 0 { &mut even } else { &mut odd };
                    *of = T::splat(power).mul_add(*value, *of);
                    power *= point;
                }
                found[1 + 2 * pair] = even.add(odd);
                found[2 + 2 * pair] = odd.mul_add(minus, even);
            }
            found
        }
    }
}
