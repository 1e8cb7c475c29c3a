//! One line of the table of R².

use super::Error;

/// How well one layer of one network explains one concept: a row of `r2.csv`, its columns in order.
/// Values that are not defined are none (an empty field).
#[derive(Debug, Clone, PartialEq)]
pub struct R2Row {
    /// Network.
    pub network: String,
    /// Layer.
    pub layer: String,
    /// Concept measure.
    pub concept: String,
    /// Images: rows of every fit but those of `r2_paper`.
    pub n: usize,
    /// Channels of the layer, p.
    pub features: usize,
    /// In-sample R² of least squares on all images.
    pub r2_train: f64,
    /// `r2_train` adjusted for the number of independent channels; none where they fit anything.
    pub r2_adjusted: Option<f64>,
    /// Expectation of `r2_train` if the channels were noise, p / (n - 1), at most 1.
    pub r2_null: f64,
    /// The paper's R²: in-sample least squares, mean over random subsets of the images.
    pub r2_paper: f64,
    /// Standard error of that mean, sd / sqrt(repeats); none for one repeat.
    pub r2_paper_se: Option<f64>,
    /// Held-out R² of ridge regression, no group in both parts; mean over the repeats.
    pub r2_test: f64,
    /// Its standard deviation over the repeats (the noise of the split); none for one repeat.
    pub r2_test_sd: Option<f64>,
    /// Lower end of its 95 % bootstrap interval over groups.
    pub r2_test_low: f64,
    /// Upper end.
    pub r2_test_high: f64,
    /// Permutation test of `r2_test`; none without permutations.
    pub p_value: Option<f64>,
    /// Benjamini-Hochberg q-value over all rows, from [`fill_q_values`].
    pub q_value: Option<f64>,
}

impl R2Row {
    /// Names of the columns, in order.
    pub const COLUMNS: [&str; 16] = [
        "network",
        "layer",
        "concept",
        "n",
        "features",
        "r2_train",
        "r2_adjusted",
        "r2_null",
        "r2_paper",
        "r2_paper_se",
        "r2_test",
        "r2_test_sd",
        "r2_test_low",
        "r2_test_high",
        "p_value",
        "q_value",
    ];

    /// The fields as text, in the order of [`R2Row::COLUMNS`]; numbers in their shortest exact form,
    /// empty where not defined.
    #[must_use]
    pub fn fields(&self) -> [String; 16] {
        let optional = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        [
            self.network.clone(),
            self.layer.clone(),
            self.concept.clone(),
            self.n.to_string(),
            self.features.to_string(),
            self.r2_train.to_string(),
            optional(self.r2_adjusted),
            self.r2_null.to_string(),
            self.r2_paper.to_string(),
            optional(self.r2_paper_se),
            self.r2_test.to_string(),
            optional(self.r2_test_sd),
            self.r2_test_low.to_string(),
            self.r2_test_high.to_string(),
            optional(self.p_value),
            optional(self.q_value),
        ]
    }
}

/// Fills the q-values (Benjamini, Hochberg 1995) of a whole table: all networks, layers and concepts
/// are one family of tests. Rows without a p-value take no part.
///
/// # Errors
/// [`Error::QValues`] for a p-value outside 0 to 1.
pub fn fill_q_values(rows: &mut [R2Row]) -> Result<(), Error> {
    let p_values: Vec<f64> = rows.iter().filter_map(|row| row.p_value).collect();
    let q_values = spolia_stats::benjamini_hochberg(&p_values).map_err(Error::QValues)?;
    let tested = rows.iter_mut().filter(|row| row.p_value.is_some());
    for (row, q_value) in tested.zip(q_values) {
        row.q_value = Some(q_value);
    }
    Ok(())
}
