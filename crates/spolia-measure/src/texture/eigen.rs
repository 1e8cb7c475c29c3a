//! Eigenvalues of a real symmetric matrix.

/// A square matrix, row-major.
#[derive(Debug, Clone)]
pub(crate) struct Square {
    pub n: usize,
    pub values: Vec<f64>,
}

impl Square {
    pub fn zeros(n: usize) -> Self {
        Self {
            n,
            values: vec![0.0; n * n],
        }
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n..(i + 1) * self.n]
    }

    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.n..(i + 1) * self.n]
    }

    /// The matrix of the products of rows, `self self^T`.
    pub fn gram(&self) -> Self {
        let mut gram = Self::zeros(self.n);
        for i in 0..self.n {
            for j in 0..=i {
                let product = dot(self.row(i), self.row(j));
                gram.values[i * self.n + j] = product;
                gram.values[j * self.n + i] = product;
            }
        }
        gram
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums that do not wait for one another.
    let mut sums = [0.0; 8];
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = chunks_a.remainder().iter().zip(chunks_b.remainder());
    let rest: f64 = rest.map(|(x, y)| x * y).sum();
    for (x, y) in chunks_a.zip(chunks_b) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The `wanted` eigenvalues of a symmetric matrix, counted from the smallest (0); `None` where one
/// is beyond the last. Householder's reduction to a tridiagonal matrix, then bisection by Sturm's
/// sequence (Golub and Van Loan, *Matrix Computations*, 8.3.1 and 8.4.1), which needs no
/// convergence.
pub(crate) fn eigenvalues<const N: usize>(matrix: Square, wanted: [usize; N]) -> Option<[f64; N]> {
    if wanted.iter().any(|&k| k >= matrix.n) {
        return None;
    }
    let (diagonal, beside) = tridiagonal(matrix);
    Some(wanted.map(|k| kth(&diagonal, &beside, k)))
}

/// Diagonal (n) and the elements beside it (n - 1) of an orthogonally similar matrix.
fn tridiagonal(mut a: Square) -> (Vec<f64>, Vec<f64>) {
    let n = a.n;
    let mut beside = Vec::with_capacity(n.saturating_sub(1));
    let mut reflector = vec![0.0; n];
    let mut product = vec![0.0; n];
    for k in 0..n.saturating_sub(1) {
        // The reflection that leaves only the first of the elements below the diagonal.
        let v = &mut reflector[k + 1..];
        v.copy_from_slice(&a.row(k)[k + 1..]);
        let length = dot(v, v).sqrt();
        let target = if v[0] > 0.0 { -length } else { length };
        beside.push(target);
        let rest: f64 = v[1..].iter().map(|x| x * x).sum();
        if rest == 0.0 {
            // Already tridiagonal here.
            if let Some(last) = beside.last_mut() {
                *last = v[0];
            }
            continue;
        }
        v[0] -= target;
        let scale = 2.0 / dot(v, v);
        let p = &mut product[k + 1..];
        for (i, p) in (k + 1..n).zip(p.iter_mut()) {
            *p = scale * dot(&a.row(i)[k + 1..], v);
        }
        let half = 0.5 * scale * dot(p, v);
        for (p, v) in p.iter_mut().zip(v.iter()) {
            *p -= half * v;
        }
        for i in k + 1..n {
            let (vi, pi) = (v[i - k - 1], p[i - k - 1]);
            let row = &mut a.row_mut(i)[k + 1..];
            for ((x, v), p) in row.iter_mut().zip(v.iter()).zip(p.iter()) {
                *x -= vi * p + pi * v;
            }
        }
    }
    let diagonal = (0..n).map(|i| a.values[i * n + i]).collect();
    (diagonal, beside)
}

/// The `k`-th smallest eigenvalue of a tridiagonal matrix, by halving the interval of
/// Gershgorin's discs until its ends are neighbours.
fn kth(diagonal: &[f64], beside: &[f64], k: usize) -> f64 {
    let n = diagonal.len();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for i in 0..n {
        let left = if i > 0 { beside[i - 1].abs() } else { 0.0 };
        let right = beside.get(i).map_or(0.0, |x| x.abs());
        low = low.min(diagonal[i] - left - right);
        high = high.max(diagonal[i] + left + right);
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if below(diagonal, beside, middle) > k {
            high = middle;
        } else {
            low = middle;
        }
    }
}

/// How many eigenvalues lie below `x`: the negative pivots of the matrix less `x`.
fn below(diagonal: &[f64], beside: &[f64], x: f64) -> usize {
    let (mut count, mut pivot) = (0, 1.0_f64);
    for (i, &d) in diagonal.iter().enumerate() {
        let e = if i > 0 { beside[i - 1] } else { 0.0 };
        if pivot == 0.0 {
            pivot = f64::MIN_POSITIVE;
        }
        pivot = d - x - e * e / pivot;
        count += usize::from(pivot < 0.0);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(n: usize, values: &[f64]) -> Square {
        Square {
            n,
            values: values.to_vec(),
        }
    }

    #[test]
    fn known_spectra() {
        fn close<const N: usize>(matrix: Square, expected: [f64; N]) {
            let got: [f64; N] = eigenvalues(matrix, std::array::from_fn(|k| k)).unwrap();
            for (got, expected) in got.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-14, "{got} {expected}");
            }
        }
        close(matrix(2, &[2.0, 1.0, 1.0, 2.0]), [1.0, 3.0]);
        // The identity plus a matrix of ones, whose eigenvalues are 0, 0, 3.
        let ones = [2.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 2.0];
        close(matrix(3, &ones), [1.0, 1.0, 4.0]);
        // The path of four nodes: 2 cos(k pi / 5).
        let path = [
            0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0,
        ];
        let golden = (1.0 + 5.0_f64.sqrt()) / 2.0;
        close(
            matrix(4, &path),
            [-golden, -1.0 / golden, 1.0 / golden, golden],
        );
        close(matrix(1, &[7.0]), [7.0]);
        assert_eq!(eigenvalues(matrix(1, &[7.0]), [1]), None);
    }

    #[test]
    fn trace_and_squares_are_kept() {
        const N: usize = 40;
        let n = N;
        let mut a = Square::zeros(n);
        for i in 0..n {
            for j in 0..n {
                a.values[i * n + j] = ((i * j) as f64).sin() + if i == j { 2.0 } else { 0.0 };
            }
        }
        let trace: f64 = (0..n).map(|i| a.values[i * n + i]).sum();
        let squares: f64 = a.values.iter().map(|x| x * x).sum();
        let values: [f64; N] = eigenvalues(a, std::array::from_fn(|k| k)).unwrap();
        assert!((values.iter().sum::<f64>() - trace).abs() < 1e-11);
        assert!((values.iter().map(|x| x * x).sum::<f64>() - squares).abs() < 1e-9);
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
