//! Seconds of one (network, layer) of a study: 1,000 patches of 50 patients, 3 concepts.

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use spolia_stats::{HeldOutOptions, Matrix, held_out_r2, ols, ridge};

fn main() -> Result<(), spolia_stats::Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for p in [64, 768, 2048] {
        let n = 1000;
        let mut normal = |k: usize| (0..k).map(|_| rng.sample(StandardNormal)).collect();
        let x = Matrix::new(n, p, normal(n * p))?;
        let y = Matrix::new(n, 3, normal(n * 3))?;
        let groups: Vec<usize> = (0..n).map(|i| i / 20).collect();
        let start = Instant::now();
        ols(&x, &y)?;
        println!(
            "p {p}: least squares {:.2} s",
            start.elapsed().as_secs_f64()
        );
        let start = Instant::now();
        ridge(&x, &y)?;
        println!("p {p}: ridge {:.2} s", start.elapsed().as_secs_f64());
        let start = Instant::now();
        held_out_r2(&x, &y, &groups, HeldOutOptions::default())?;
        println!("p {p}: held out {:.2} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}
