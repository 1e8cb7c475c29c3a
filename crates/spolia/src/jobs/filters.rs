//! The first layer's kernels, which can be seen as small images.

use miette::IntoDiagnostic;

use super::model::Model;

/// Columns of filters.csv.
pub const HEADER: [&str; 7] = ["network", "filter", "row", "column", "red", "green", "blue"];

/// The weights of a network's first convolution, a row for each position of each kernel.
///
/// # Errors
/// The weights lack it.
pub fn rows(name: &str, model: &Model) -> miette::Result<Vec<Vec<String>>> {
    let parameters = model.network.parameters();
    let Some((parameter, shape)) = parameters.iter().find(|(_, shape)| shape.len() == 4) else {
        return Ok(Vec::new());
    };
    let [filters, inputs, height, width] = [shape[0], shape[1], shape[2], shape[3]];
    if inputs != 3 {
        return Ok(Vec::new());
    }
    let weights = &model.weights.get(parameter).into_diagnostic()?.data;
    let order = if model.network.normalisation().bgr {
        [2, 1, 0]
    } else {
        [0, 1, 2]
    };
    let mut rows = Vec::new();
    for filter in 0..filters {
        for y in 0..height {
            for x in 0..width {
                let mut row = vec![name.to_string()];
                row.extend([filter, y, x].map(|n| n.to_string()));
                let at = |c: usize| weights[((filter * inputs + c) * height + y) * width + x];
                row.extend(order.map(|c| at(c).to_string()));
                rows.push(row);
            }
        }
    }
    Ok(rows)
}
