//! Published values of small images, degenerate input, and the definition itself.

mod images;

use images::lcg;
use proptest::prelude::*;
use spolia_measure::{
    Binning, Convention, Error, Feature, Gray, Offset, TextureOptions, Workspace, haralick13,
    measure_rgb,
};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

fn close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{what}: got {got}, expected {expected}"
    );
}

/// The image of scikit-image's documentation.
fn four_by_four() -> Gray {
    Gray::new(vec![0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3], 4, 4).unwrap()
}

#[test]
fn scikit_image_of_the_documentation() {
    let angles = [0.0, FRAC_PI_4, FRAC_PI_2, 3.0 * FRAC_PI_4];
    let mut options = TextureOptions::skimage(&[1.0], &angles).unwrap();
    options.binning = Binning::Levels(4);
    let mut workspace = Workspace::new();
    let texture = workspace.texture(&four_by_four(), &options).unwrap();
    // The matrices printed there.
    let printed = [
        [[2, 2, 1, 0], [0, 2, 0, 0], [0, 0, 3, 1], [0, 0, 0, 1]],
        [[1, 1, 3, 0], [0, 1, 1, 0], [0, 0, 0, 2], [0, 0, 0, 0]],
        [[3, 0, 2, 0], [0, 2, 2, 0], [0, 0, 1, 2], [0, 0, 0, 0]],
        [[2, 0, 0, 0], [1, 1, 2, 0], [0, 0, 2, 1], [0, 0, 0, 0]],
    ];
    for (offset, matrix) in printed.iter().enumerate() {
        for (i, row) in matrix.iter().enumerate() {
            for (j, &count) in row.iter().enumerate() {
                assert_eq!(texture.count(offset, i, j), Some(count));
            }
        }
    }
    assert_eq!((texture.levels(), texture.offsets()), (4, 4));
    assert_eq!(texture.count(4, 0, 0), None);

    options.symmetric = true;
    let texture = workspace.texture(&four_by_four(), &options).unwrap();
    let expected = [
        (
            Feature::Asm,
            [21.0 / 144.0, 19.0 / 162.0, 20.0 / 144.0, 24.0 / 162.0],
        ),
        (Feature::Contrast, [7.0 / 12.0, 16.0 / 9.0, 1.0, 4.0 / 9.0]),
        (
            Feature::Correlation,
            [0.719_532_554_257, 7.0 / 43.0, 17.0 / 35.0, 25.0 / 34.0],
        ),
    ];
    for (feature, values) in expected {
        for (offset, value) in values.into_iter().enumerate() {
            close(texture.get(feature, offset).unwrap(), value, feature.name());
        }
        let [low, high] = [f64::min, f64::max].map(|pick| values.into_iter().reduce(pick).unwrap());
        close(
            texture.mean(feature),
            values.iter().sum::<f64>() / 4.0,
            "mean",
        );
        close(texture.range(feature), high - low, "range");
    }
    for (feature, value) in [
        (Feature::Homogeneity, 9.7 / 12.0),
        (Feature::Energy, (21.0_f64 / 144.0).sqrt()),
        (Feature::Mean, 1.291_666_666_667),
        (Feature::Variance, 1.039_930_555_556),
        (Feature::Entropy, 2.094_729_047_528),
    ] {
        close(texture.get(feature, 0).unwrap(), value, feature.name());
    }
    options.offsets = vec![Offset::polar(2.0, 0.0).unwrap()];
    let texture = workspace.texture(&four_by_four(), &options).unwrap();
    close(texture.mean(Feature::Correlation), 7.0 / 17.0, "distance 2");
}

#[test]
fn mahotas_of_the_same_image() {
    let expected = [
        0.145_833_333_333,
        0.583_333_333_333,
        0.719_532_554_257,
        1.039_930_555_556,
        0.808_333_333_333,
        2.583_333_333_333,
        3.576_388_888_889,
        2.459_147_917_027,
        3.022_055_208_874,
        0.065_972_222_222,
        1.188_721_875_541,
        -0.427_478_723_570,
        0.898_114_909_638,
    ];
    let features = haralick13(&four_by_four(), 1, &mut Workspace::new()).unwrap();
    for (f, (got, expected)) in features[0].into_iter().zip(expected).enumerate() {
        close(got, expected, &format!("f{}", f + 1));
    }
}

/// pyradiomics 3.0.1: RadiomicsGLCM(image, ones, binWidth=1, force2D=True).
#[test]
fn pyradiomics_of_the_same_image() {
    let mut options = TextureOptions::pyradiomics(&[1]).unwrap();
    options.binning = Binning::Width(1.0);
    let mut workspace = Workspace::new();
    let texture = workspace.texture(&four_by_four(), &options).unwrap();
    for (feature, value) in [
        (Feature::Autocorrelation, 5.458_333_333_333),
        (Feature::ClusterProminence, 17.166_005_354_795),
        (Feature::ClusterShade, 0.725_812_328_532),
        (Feature::Contrast, 0.951_388_888_889),
        (Feature::Correlation, 0.525_832_913_823),
        (Feature::DifferenceVariance, 0.438_850_308_642),
        (Feature::Energy, 0.137_538_580_247),
        (Feature::Imc1, -0.364_901_382_746),
        (Feature::Imc2, 0.859_807_315_513),
        (Feature::InverseDifference, 0.718_75),
        (Feature::InverseDifferenceNormalized, 0.877_777_777_778),
        (Feature::IdmNormalized, 0.949_183_006_536),
        (Feature::Mcc, 0.769_792_324_752),
        (Feature::SumAverage, 4.451_388_888_889),
        (Feature::SumEntropy, 2.302_485_504_419),
    ] {
        close(texture.mean(feature), value, feature.name());
    }
}

#[test]
fn noise_at_zero_degrees() {
    let image = Gray::new(lcg(1, 64 * 64), 64, 64).unwrap();
    let mut options = TextureOptions::haralick(1).unwrap();
    options.convention = Convention::ScikitImage;
    let mut workspace = Workspace::new();
    let texture = workspace.texture(&image, &options).unwrap();
    for (feature, value) in [
        (Feature::Asm, 0.000_140_646_898_227),
        (Feature::Contrast, 10_896.706_349_206_35),
        (Feature::Correlation, 0.007_143_692_846),
    ] {
        close(texture.get(feature, 0).unwrap(), value, feature.name());
    }
}

#[test]
fn a_constant_image_has_these_values() {
    use Feature::*;
    let image = Gray::new(vec![200; 12], 4, 3).unwrap();
    let mut workspace = Workspace::new();
    for convention in Convention::ALL {
        let options = TextureOptions {
            convention,
            ..TextureOptions::haralick(1).unwrap()
        };
        let texture = workspace.texture(&image, &options).unwrap();
        for &feature in Feature::ALL {
            let number = if convention == Convention::Pyradiomics {
                201.0
            } else {
                200.0
            };
            let expected = match feature {
                Asm
                | Correlation
                | Idm
                | Energy
                | Homogeneity
                | InverseDifference
                | InverseDifferenceNormalized
                | IdmNormalized
                | MaximumProbability => 1.0,
                Mcc if convention == Convention::Mahotas => 0.0,
                Mcc => 1.0,
                // One probability of 1 among 256 levels.
                DifferenceVariance if convention == Convention::Mahotas => 255.0 / 65536.0,
                Mean => number,
                SumAverage => 2.0 * number,
                Autocorrelation => number * number,
                _ => 0.0,
            };
            close(
                texture.mean(feature),
                expected,
                &format!("{convention} {feature}"),
            );
            assert_eq!(texture.range(feature), 0.0);
        }
    }
}

#[test]
fn images_without_pairs() {
    let mut workspace = Workspace::new();
    let pixel = Gray::new(vec![7], 1, 1).unwrap();
    let row = Gray::new(vec![1, 2, 3, 4], 4, 1).unwrap();
    let mahotas = TextureOptions::mahotas(1).unwrap();
    let pyradiomics = TextureOptions::pyradiomics(&[1]).unwrap();
    let no_pairs = |result: Result<_, Error>| matches!(result, Err(Error::NoPairsAt { .. }));
    assert!(no_pairs(
        workspace.texture(&pixel, &mahotas).map(|t| t.offsets())
    ));
    assert!(no_pairs(
        workspace.texture(&pixel, &pyradiomics).map(|t| t.offsets())
    ));
    assert!(no_pairs(
        workspace.texture(&row, &mahotas).map(|t| t.offsets())
    ));
    // pyradiomics leaves the directions without pairs out.
    let texture = workspace.texture(&row, &pyradiomics).unwrap();
    assert_eq!(texture.offsets(), 1);

    let square = four_by_four();
    let mut in_mask = |mask: &[bool]| workspace.texture_in(&square, mask, &mahotas).err();
    assert_eq!(in_mask(&[false; 16]), Some(Error::EmptyMask));
    assert_eq!(
        in_mask(&[true; 3]),
        Some(Error::MeasuredMask {
            width: 4,
            height: 4,
            got: 3
        })
    );
    let mut corners = [false; 16];
    (corners[0], corners[15]) = (true, true);
    assert!(matches!(in_mask(&corners), Some(Error::NoPairsAt { .. })));

    let zeros = TextureOptions {
        ignore_zeros: true,
        ..mahotas
    };
    let black = Gray::new(vec![0; 16], 4, 4).unwrap();
    assert!(no_pairs(
        workspace.texture(&black, &zeros).map(|t| t.offsets())
    ));
    let none = TextureOptions {
        offsets: vec![],
        ..zeros
    };
    assert_eq!(
        workspace.texture(&black, &none).err(),
        Some(Error::NoOffsets)
    );
}

#[test]
fn binning_out_of_range() {
    let mut workspace = Workspace::new();
    for (binning, text) in [
        (Binning::Levels(3), "value 3"),
        (Binning::Levels(257), "257"),
        (Binning::Width(0.5), "0.5"),
        (Binning::Width(f64::NAN), "NaN"),
        (Binning::Count(0), "0 bins"),
    ] {
        let options = TextureOptions {
            binning,
            ..TextureOptions::mahotas(1).unwrap()
        };
        let error = workspace.texture(&four_by_four(), &options).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

/// The authors' patches: contrast, correlation, ASM, dissimilarity as published.
#[test]
fn patches_of_the_authors() {
    use spolia_measure::Measure::*;
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        println!("skipped: SPOLIA_DATA does not name the folder of the authors' patches");
        return;
    };
    let path = std::path::Path::new(&folder).join("camelyon_patches/cam17_patches.hdf5");
    let file = hdf5_pure::File::open(&path).unwrap();
    let measures = [GlcmContrast, GlcmCorrelation, GlcmAsm, GlcmDissimilarity];
    for (class, k, expected) in [
        ("normal", 0, [180.982, 0.97114, 0.00015, 9.2706]),
        ("tumor", 0, [152.458, 0.97208, 0.00017, 8.7238]),
        ("tumor", 4, [183.807, 0.96765, 0.00014, 9.7832]),
    ] {
        let name = format!("{class}/level7/centre0/patient010/node4/patches");
        let patches = file.dataset(&name).unwrap().read_u8().unwrap();
        let size = 224 * 224 * 3;
        let got = measure_rgb(&patches[k * size..(k + 1) * size], 224, 224, &measures).unwrap();
        for ((measure, got), (expected, digit)) in measures
            .iter()
            .zip(got)
            .zip(expected.into_iter().zip([1e-3, 1e-5, 1e-5, 1e-4]))
        {
            assert!(
                (got - expected).abs() <= 0.51 * digit,
                "{class}{k} {measure}: {got}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Every count by its definition: any offset, any mask, symmetric or not.
    #[test]
    fn counts_by_definition(
        width in 1_usize..12,
        height in 1_usize..12,
        seed in any::<u32>(),
        levels in 2_usize..9,
        steps in prop::collection::vec((-4_i32..5, -4_i32..5), 1..7),
        symmetric in any::<bool>(),
        masked in any::<bool>(),
        ignore_zeros in any::<bool>(),
    ) {
        let bytes = lcg(seed, width * height);
        let pixels: Vec<u8> = bytes.iter().map(|&v| (usize::from(v) % levels) as u8).collect();
        let mask: Vec<bool> = lcg(!seed, width * height).iter().map(|&v| !masked || v < 180).collect();
        let offsets: Vec<Offset> = steps
            .into_iter()
            .filter(|&step| step != (0, 0))
            .map(|(down, right)| Offset { down, right })
            .collect();
        let options = TextureOptions {
            // Leaves empty directions out, so that one does not hide the others.
            convention: Convention::Pyradiomics,
            binning: Binning::Levels(levels),
            offsets,
            symmetric,
            ignore_zeros,
        };
        let image = Gray::new(pixels.clone(), width, height).unwrap();
        let mut workspace = Workspace::new();
        let texture = workspace.texture_in(&image, &mask, &options);
        let mut matrices = Vec::new();
        for offset in &options.offsets {
            let mut matrix = vec![0_u64; levels * levels];
            for (place, &a) in pixels.iter().enumerate() {
                let y = (place / width) as i32 + offset.down;
                let x = (place % width) as i32 + offset.right;
                if y < 0 || x < 0 || y >= height as i32 || x >= width as i32 {
                    continue;
                }
                let other = y as usize * width + x as usize;
                let b = pixels[other];
                if mask[place] && mask[other] && !(ignore_zeros && (a == 0 || b == 0)) {
                    matrix[usize::from(a) * levels + usize::from(b)] += 1;
                    if symmetric {
                        matrix[usize::from(b) * levels + usize::from(a)] += 1;
                    }
                }
            }
            if matrix.iter().any(|&count| count > 0) {
                matrices.push(matrix);
            }
        }
        let Ok(texture) = texture else {
            prop_assert!(matrices.is_empty());
            return Ok(());
        };
        prop_assert_eq!(texture.offsets(), matrices.len());
        for (k, matrix) in matrices.iter().enumerate() {
            for i in 0..levels {
                for j in 0..levels {
                    prop_assert_eq!(texture.count(k, i, j), Some(matrix[i * levels + j]));
                }
            }
            for &feature in Feature::ALL {
                prop_assert!(texture.get(feature, k).is_some_and(f64::is_finite), "{}", feature);
            }
        }
    }
}
