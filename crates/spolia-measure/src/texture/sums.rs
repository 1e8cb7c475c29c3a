//! What the features need of a matrix, summed in one sweep of its cells.
//!
//! Apart from the logarithms everything is an exact integer, divided once at the end: a feature is
//! the exact value rounded, not a sum of rounded terms.

use std::sync::LazyLock;

use super::count::Table;

/// `c ln c` of the small counts, which are nearly all.
struct LogTable(Box<[f64; TABLED]>);

/// A power of two, so that a mask keeps an index within the table.
const TABLED: usize = 4096;

static LOGS: LazyLock<LogTable> =
    LazyLock::new(|| LogTable(Box::new(std::array::from_fn(|c| x_ln_x(c as u64)))));

impl LogTable {
    fn get(&self, count: u64) -> f64 {
        match self.0.get(count as usize) {
            Some(&value) => value,
            None => x_ln_x(count),
        }
    }

    /// Sum over `row`, whose largest count is `largest`.
    fn sum(&self, row: &[u32], largest: u32) -> f64 {
        // Four sums that do not wait for one another.
        let mut sums = [0.0; 4];
        if (largest as usize) < TABLED {
            let chunks = row.chunks_exact(4);
            for &count in chunks.remainder() {
                sums[0] += self.0[count as usize % TABLED];
            }
            for chunk in chunks {
                for (sum, &count) in sums.iter_mut().zip(chunk) {
                    *sum += self.0[count as usize % TABLED];
                }
            }
        } else {
            for &count in row {
                sums[0] += self.get(count.into());
            }
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    }
}

fn x_ln_x(count: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let x = count as f64;
    x * x.ln()
}

/// Sums over the whole matrix; levels count from the lowest that occurs. Kept between images for
/// its memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    /// Sum of all counts.
    pub total: u64,
    /// Counts by the first level i, by the second j, by |i - j|, by i + j.
    pub rows: Vec<u64>,
    pub columns: Vec<u64>,
    pub differences: Vec<u64>,
    pub sums: Vec<u64>,
    /// Sum of the squared counts.
    pub squares: u128,
    /// Largest count, and how many cells are not empty.
    pub largest: u64,
    pub filled: u64,
    /// Entropies in nats: of the cells, rows, columns, differences and sums.
    pub joint_entropy: f64,
    pub row_entropy: f64,
    pub column_entropy: f64,
    pub difference_entropy: f64,
    pub sum_entropy: f64,
    scratch: Scratch,
}

/// Counts as they are stored, which vectorise in 32 bits.
#[derive(Debug, Clone, Default)]
struct Scratch {
    columns: Vec<u32>,
    differences: Vec<u32>,
    sums: Vec<u32>,
}

impl Sums {
    pub fn sweep(&mut self, table: &Table) {
        let logs = &*LOGS;
        let span = table.span();
        let scratch = &mut self.scratch;
        for (counts, length) in [
            (&mut scratch.columns, span),
            (&mut scratch.differences, span),
            (&mut scratch.sums, 2 * span - 1),
        ] {
            counts.clear();
            counts.resize(length, 0);
        }
        self.rows.clear();
        let (mut squares, mut logarithms) = (0_u128, 0.0);
        let (mut diagonal_squares, mut diagonal_logarithms) = (0_u128, 0.0);
        let (mut largest, mut largest_diagonal) = (0, 0);
        let (mut filled, mut filled_diagonal) = (0, 0);
        for i in 0..span {
            let (first, row) = table.row(i);
            // Far from the diagonal rows are empty.
            let row = trimmed(row, i - first + 1);
            add(&mut scratch.columns[first..], row);
            add(&mut scratch.sums[i + first..], row);
            let (below, ahead) = row.split_at(i - first);
            add(&mut scratch.differences, ahead);
            for (sum, &count) in scratch.differences[1..=below.len()]
                .iter_mut()
                .rev()
                .zip(below)
            {
                *sum += count;
            }
            let (mut total, mut top, mut nonzero) = (0_u32, 0_u32, 0_u32);
            for &count in row {
                total += count;
                top = top.max(count);
                nonzero += u32::from(count > 0);
            }
            self.rows.push(total.into());
            if total == 0 {
                continue;
            }
            let row_squares: u64 = row.iter().map(|&c| u64::from(c) * u64::from(c)).sum();
            squares += u128::from(row_squares);
            logarithms += logs.sum(row, top);
            largest = largest.max(top);
            filled += u64::from(nonzero);
            let diagonal = u64::from(row[i - first]);
            diagonal_squares += u128::from(diagonal * diagonal);
            diagonal_logarithms += logs.get(2 * diagonal) - 2.0 * logs.get(diagonal);
            largest_diagonal = largest_diagonal.max(diagonal);
            filled_diagonal += u64::from(diagonal > 0);
        }
        let pairs: u64 = self.rows.iter().sum();
        if table.symmetric() {
            // A stored count off the diagonal stands in two cells, one on it counts twice in its
            // own cell.
            self.total = 2 * pairs;
            self.squares = 2 * squares + 2 * diagonal_squares;
            logarithms = 2.0 * logarithms + diagonal_logarithms;
            self.largest = u64::from(largest).max(2 * largest_diagonal);
            self.filled = 2 * filled - filled_diagonal;
            for (row, &column) in self.rows.iter_mut().zip(&scratch.columns) {
                *row += u64::from(column);
            }
            self.columns.clone_from(&self.rows);
            widen(&mut self.differences, &scratch.differences, 2);
            widen(&mut self.sums, &scratch.sums, 2);
        } else {
            self.total = pairs;
            self.squares = squares;
            self.largest = largest.into();
            self.filled = filled;
            widen(&mut self.columns, &scratch.columns, 1);
            widen(&mut self.differences, &scratch.differences, 1);
            widen(&mut self.sums, &scratch.sums, 1);
        }
        let total = self.total;
        self.joint_entropy = entropy(logarithms, total, self.largest);
        self.row_entropy = entropy_of(&self.rows, total, logs);
        self.column_entropy = if table.symmetric() {
            self.row_entropy
        } else {
            entropy_of(&self.columns, total, logs)
        };
        self.difference_entropy = entropy_of(&self.differences, total, logs);
        self.sum_entropy = entropy_of(&self.sums, total, logs);
    }
}

/// `row` without empty cells at its end, to a whole number of cache lines or so; at least `least`
/// cells.
fn trimmed(mut row: &[u32], least: usize) -> &[u32] {
    while row.len() >= least + 16 {
        let (rest, last) = row.split_at(row.len() - 16);
        if last.iter().fold(0, |any, &count| any | count) != 0 {
            break;
        }
        row = rest;
    }
    row
}

fn add(sums: &mut [u32], counts: &[u32]) {
    for (sum, &count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

fn widen(out: &mut Vec<u64>, counts: &[u32], times: u64) {
    out.clear();
    out.extend(counts.iter().map(|&count| times * u64::from(count)));
}

/// `-sum p ln p` of the probabilities `counts / total`.
fn entropy_of(counts: &[u64], total: u64, logs: &LogTable) -> f64 {
    let (mut sum, mut largest) = (0.0, 0);
    for &count in counts {
        sum += logs.get(count);
        largest = largest.max(count);
    }
    entropy(sum, total, largest)
}

/// `ln total - sum / total`, with `sum` that of `c ln c`; exactly 0 where all is in one cell.
fn entropy(sum: f64, total: u64, largest: u64) -> f64 {
    if largest == total {
        return 0.0;
    }
    let total = total as f64;
    (total.ln() - sum / total).max(0.0)
}
