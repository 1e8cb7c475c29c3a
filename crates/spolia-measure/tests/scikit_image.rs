//! Literals from scikit-image 0.26.0: tests/reference/glcm.py at the repository root.

mod images;

use images::lcg;
use proptest::prelude::*;
use spolia_measure::{Direction, Glcm, GlcmOptions, Gray, Measure, measure_rgb};

/// Distance, index of the direction, symmetric; ASM, contrast, correlation, dissimilarity, energy,
/// homogeneity of 64 x 64 noise.
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const NOISE: &[(u32, usize, bool, [f64; 6])] = &[
    (1, 0, true, [0.00014064689822688338, 10896.70634920635, 0.0071436928463450861, 85.063988095238102, 0.011859464500005192, 0.013304279349654346]),
    (1, 0, false, [0.00026400896006550782, 10896.70634920635, 0.0071437971886701033, 85.063988095238102, 0.016248352533888101, 0.013304279349654346]),
    (1, 1, true, [0.00014390945295935162, 10933.079113126732, 0.0034821273230934914, 85.393046107331827, 0.01199622661337104, 0.014825758279276565]),
    (1, 1, false, [0.00026731482417813378, 10933.079113126731, 0.003484017988888108, 85.393046107331799, 0.016349765263701303, 0.014825758279276562]),
    (1, 2, true, [0.00014006253543083903, 10970.326388888891, 0.0002965070038533392, 85.370039682539698, 0.011834801875436658, 0.012575314697527437]),
    (1, 2, false, [0.0002611794138951876, 10970.326388888887, 0.00029783409262624209, 85.370039682539669, 0.01616104618813979, 0.012575314697527436]),
    (1, 3, true, [0.0001421002692763602, 10879.668178382464, 0.0084282628297924767, 84.633156966490304, 0.011920581750751941, 0.011818944544158485]),
    (1, 3, false, [0.00026718786391967842, 10879.668178382464, 0.0084288340818663172, 84.633156966490304, 0.016345882170127082, 0.011818944544158485]),
    (3, 0, true, [0.00014483752477492611, 11145.383709016394, -0.013306837607025597, 86.474897540983619, 0.012034846271345809, 0.0095774385900677661]),
    (3, 0, false, [0.00027320654729911316, 11145.383709016394, -0.013302939701380799, 86.474897540983619, 0.016528960865677948, 0.0095774385900677661]),
    (3, 1, true, [0.00014573978285279925, 10961.351716961501, 0.0038366843463103479, 85.452133194588981, 0.012072273309232162, 0.012960392426819218]),
    (3, 1, false, [0.0002750343522237177, 10961.351716961499, 0.0038386704582724545, 85.452133194588981, 0.016584159677949246, 0.012960392426819217]),
    (3, 2, true, [0.0001423114796089761, 10962.610143442624, 0.0021973316439498195, 85.941598360655746, 0.011929437522740798, 0.010722552779481025]),
    (3, 2, false, [0.00026900740728298846, 10962.610143442624, 0.0022005569266815585, 85.941598360655746, 0.01640144528030955, 0.010722552779481025]),
    (3, 3, true, [0.00014658573004836922, 10968.984391259102, 0.0032190775330081822, 85.433922996878238, 0.012107259394609882, 0.012971597960422476]),
    (3, 3, false, [0.00027476364912113523, 10968.984391259102, 0.0032222555572615193, 85.433922996878238, 0.016575996172813724, 0.012971597960422474]),
];

/// Seed, height, width, sum of the gray levels; the measures of an RGB blob pattern.
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const BLOBS: &[(u32, usize, usize, u64, [f64; 6])] = &[
    (2, 17, 23, 36688, [0.0020053475935828875, 39.561497326203209, 0.96892891604584275, 5.1925133689839562, 0.044781107551989906, 0.15314218802174576]),
    (3, 48, 31, 206610, [0.00061656057098765434, 461.83263888888894, 0.88287434320538671, 8.9215277777777775, 0.024830637748307117, 0.15231686952056947]),
    (4, 96, 96, 1277290, [0.00016019352108341027, 1425.4645833333334, 0.61093226976846404, 21.587828947368422, 0.012656757921498313, 0.061743372991113751]),
];

const PROPERTIES: [Measure; 6] = [
    Measure::GlcmAsm,
    Measure::GlcmContrast,
    Measure::GlcmCorrelation,
    Measure::GlcmDissimilarity,
    Measure::GlcmEnergy,
    Measure::GlcmHomogeneity,
];

fn blobs(seed: u32, height: usize, width: usize) -> Vec<u8> {
    let noise = lcg(seed, height * width * 3);
    (0..height * width * 3)
        .map(|k| {
            let (y, x, c) = (k / (3 * width), k / 3 % width, k % 3);
            ((x * x / 7 + y * (c + 2) + usize::from(noise[k]) / 16) % 200 + 40) as u8
        })
        .collect()
}

fn close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() <= 1e-9 * expected.abs(),
        "{what}: got {got}, expected {expected}"
    );
}

#[test]
fn noise_in_all_directions() {
    let pixels = lcg(1, 64 * 64);
    assert_eq!(pixels[..4], [60, 94, 129, 180]);
    assert_eq!(pixels.iter().map(|&p| u64::from(p)).sum::<u64>(), 519_769);
    let image = Gray::new(pixels, 64, 64).unwrap();
    for &(distance, direction, symmetric, expected) in NOISE {
        let options = GlcmOptions {
            distance,
            direction: Direction::ALL[direction],
            levels: 256,
            symmetric,
        };
        let glcm = Glcm::new(&image, options).unwrap();
        let got = [
            glcm.asm(),
            glcm.contrast(),
            glcm.correlation(),
            glcm.dissimilarity(),
            glcm.energy(),
            glcm.homogeneity(),
        ];
        for k in 0..6 {
            close(
                got[k],
                expected[k],
                &format!("{options:?}, {}", PROPERTIES[k]),
            );
        }
    }
}

#[test]
fn colour_images() {
    for &(seed, height, width, gray_sum, expected) in BLOBS {
        let rgb = blobs(seed, height, width);
        let gray = Gray::from_rgb(&rgb, width, height).unwrap();
        let sum: u64 = gray.pixels().iter().map(|&p| u64::from(p)).sum();
        assert_eq!(sum, gray_sum);
        let got = measure_rgb(&rgb, width, height, &PROPERTIES).unwrap();
        for k in 0..6 {
            close(got[k], expected[k], PROPERTIES[k].name());
        }
    }
}

#[test]
fn errors_name_the_input() {
    let image = Gray::new(vec![9, 3, 1, 0], 2, 2).unwrap();
    let with = |distance, levels| GlcmOptions {
        distance,
        levels,
        ..GlcmOptions::default()
    };
    let message = |options| Glcm::new(&image, options).unwrap_err().to_string();
    assert!(message(with(1, 8)).contains("value 9"));
    assert!(message(with(1, 257)).contains("257"));
    assert!(message(with(2, 256)).contains("2 x 2 pixels"));
    assert!(message(with(0, 256)).contains("at least 1"));
    assert!(measure_rgb(&[0; 12], 1, 4, Measure::ALL).is_err());
}

/// The definition: a full matrix of probabilities, two nested loops.
fn by_definition(glcm: &Glcm) -> [f64; 6] {
    let levels = glcm.levels();
    let each = |f: &dyn Fn(f64, f64) -> f64| {
        let mut sum = 0.0;
        for i in 0..levels {
            for j in 0..levels {
                sum += glcm.probability(i, j) * f(i as f64, j as f64);
            }
        }
        sum
    };
    let mut asm = 0.0;
    for i in 0..levels {
        for j in 0..levels {
            asm += glcm.probability(i, j).powi(2);
        }
    }
    let (mean_i, mean_j) = (each(&|i, _| i), each(&|_, j| j));
    let deviation_i = each(&|i, _| (i - mean_i).powi(2)).sqrt();
    let deviation_j = each(&|_, j| (j - mean_j).powi(2)).sqrt();
    let covariance = each(&|i, j| (i - mean_i) * (j - mean_j));
    let correlation = if deviation_i < 1e-12 || deviation_j < 1e-12 {
        1.0
    } else {
        covariance / (deviation_i * deviation_j)
    };
    [
        asm,
        each(&|i, j| (i - j).powi(2)),
        correlation,
        each(&|i, j| (i - j).abs()),
        asm.sqrt(),
        each(&|i, j| 1.0 / (1.0 + (i - j).powi(2))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn agrees_with_the_definition(
        width in 2_usize..9,
        height in 2_usize..9,
        seed in any::<u32>(),
        levels in 2_usize..12,
        direction in 0_usize..4,
        symmetric in any::<bool>(),
    ) {
        let pixels = lcg(seed, width * height)
            .into_iter()
            .map(|value| (usize::from(value) % levels) as u8)
            .collect();
        let options = GlcmOptions {
            distance: 1,
            direction: Direction::ALL[direction],
            levels,
            symmetric,
        };
        let image = Gray::new(pixels, width, height).unwrap();
        let glcm = Glcm::new(&image, options).unwrap();
        let total: u64 = (0..levels)
            .flat_map(|i| (0..levels).map(move |j| (i, j)))
            .map(|(i, j)| glcm.count(i, j))
            .sum();
        prop_assert_eq!(total, glcm.total());
        let got = [
            glcm.asm(),
            glcm.contrast(),
            glcm.correlation(),
            glcm.dissimilarity(),
            glcm.energy(),
            glcm.homogeneity(),
        ];
        for (got, expected) in got.into_iter().zip(by_definition(&glcm)) {
            prop_assert!((got - expected).abs() < 1e-9, "got {}, expected {}", got, expected);
        }
    }
}
