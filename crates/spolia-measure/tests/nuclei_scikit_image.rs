//! Literals from scikit-image 0.26.0: tests/reference/nuclei.py at the repository root.

use spolia_measure::nuclei::{InstanceMask, measure_nuclei};

/// Label; row and column of the centroid, area, perimeter, major and minor axis, eccentricity,
/// orientation, solidity, mean and standard deviation of the haematoxylin density.
#[rustfmt::skip]
#[allow(clippy::excessive_precision, clippy::approx_constant)]
const SHAPES: &[(u32, [f64; 11])] = &[
    (10, [7.0, 8.0, 97.0, 33.9395706128377, 11.0928601537995, 11.0928601537995, 0.0, -0.785398163397448, 1.0, 0.299859393618576, 0.367617152243851]),
    (20, [9.0, 26.0, 75.0, 33.9395706128377, 14.5913216216581, 6.49923072370877, 0.89532296207169, 0.785398163397448, 0.949367088607595, 0.394017265290851, 0.336294007292675]),
    (30, [29.0, 7.0, 125.0, 55.2174858363018, 20.7846096908265, 12.0, 0.816496580927726, 0.785398163397448, 0.735294117647059, 0.381047280251141, 0.30268647047271]),
    (40, [30.0, 28.0, 140.0, 70.1005826947547, 17.1047194823952, 17.1047194823952, 0.0, -0.785398163397448, 0.756756756756757, 0.42371454662865, 0.351439177783834]),
    (50, [42.0, 7.5, 10.0, 19.7465871427678, 11.4891252930761, 0.0, 1.0, 1.5707963267949, 1.0, 0.538455402516491, 0.537630307377205]),
    (60, [42.0, 18.0, 1.0, 2.68151706133449, 0.0, 0.0, 0.0, -0.785398163397448, 1.0, 0.463064949995572, 0.0]),
    (70, [20.0, 44.1034482758621, 58.0, 27.7911383267713, 9.21767417743648, 8.36048687486441, 0.421117443806158, 0.0, 0.966666666666667, 0.307770836733767, 0.431574668455655]),
    (80, [43.5, 28.0, 18.0, 20.5319853061653, 13.8082101181387, 3.2659863237109, 0.971625413446944, 1.10714871779409, 0.5, 0.408762729162488, 0.447247696811128]),
];

const SIDE: i32 = 48;

/// Disk, diagonal ellipse, L, ring, line, pixel, ellipse cut by the border, two parts.
fn label(x: i32, y: i32) -> u32 {
    let (u, v) = (x - 26 + y - 9, x - 26 - (y - 9));
    let ring = (x - 28).pow(2) + (y - 30).pow(2);
    let shapes = [
        (x - 8).pow(2) + (y - 7).pow(2) <= 30,
        u * u + 6 * v * v <= 120,
        x >= 2 && (20..=34).contains(&y) && (x <= 6 || y >= 30 && x <= 16),
        (16..=60).contains(&ring),
        y == 42 && (3..=12).contains(&x),
        y == 42 && x == 18,
        (x - 46).pow(2) + 2 * (y - 20).pow(2) <= 40,
        (x - 25).abs() <= 1 && (y - 42).abs() <= 1 || (x - 31).abs() <= 1 && (y - 45).abs() <= 1,
    ];
    let place = shapes.iter().position(|&inside| inside);
    place.map_or(0, |k| 10 * (k as u32 + 1))
}

fn colour(x: i32, y: i32) -> [u8; 3] {
    [
        (7 * x + 13 * y) % 200 + 40,
        (11 * x + 3 * y) % 180 + 30,
        (5 * x * y) % 150 + 90,
    ]
    .map(|value| value as u8)
}

#[test]
fn shapes_and_stain_as_regionprops() {
    let pixels = || (0..SIDE * SIDE).map(|k| (k % SIDE, k / SIDE));
    let labels = pixels().map(|(x, y)| label(x, y)).collect();
    let rgb: Vec<u8> = pixels().flat_map(|(x, y)| colour(x, y)).collect();
    let mask = InstanceMask::new(labels, 48, 48).unwrap();
    let nuclei = measure_nuclei(&rgb, &mask).unwrap();
    assert_eq!(nuclei.len(), SHAPES.len());
    for (nucleus, (label, expected)) in nuclei.iter().zip(SHAPES) {
        assert_eq!(nucleus.label, *label);
        // Only the cut ellipse reaches the border.
        assert_eq!(nucleus.touches_border, *label == 70);
        let got = [
            nucleus.centroid.0,
            nucleus.centroid.1,
            nucleus.area,
            nucleus.perimeter,
            nucleus.major_axis,
            nucleus.minor_axis,
            nucleus.eccentricity,
            nucleus.orientation,
            nucleus.solidity,
            nucleus.haematoxylin,
            nucleus.chromatin_sd,
        ];
        for (k, (got, expected)) in got.into_iter().zip(expected).enumerate() {
            // The density is kept in single precision.
            let allowed = if k < 9 { 1e-9 } else { 1e-5 };
            assert!(
                (got - expected).abs() <= allowed,
                "label {label}, number {k}: got {got}, expected {expected}"
            );
        }
    }
}
