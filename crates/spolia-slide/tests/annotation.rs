//! Annotations against shapely, in a circle through both formats, and damaged.
//!
//! Areas of the real files: tests/reference/slide/annotation_areas.py.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spolia_slide::annotation::{
    AnnotationFault, Annotations, Kind, Polygon, ProblemKind, Scheme, Shape,
};
use spolia_slide::{Error, XmlFault};

fn close(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
        "{found} for {wanted}"
    );
}

fn asap(annotations: &str, groups: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ASAP_Annotations><Annotations>{annotations}</Annotations>\
         <AnnotationGroups>{groups}</AnnotationGroups></ASAP_Annotations>"
    )
}

fn polygon(name: &str, group: &str, points: &[(f64, f64)]) -> String {
    let points: String = points
        .iter()
        .enumerate()
        .map(|(i, (x, y))| format!("<Coordinate Order=\"{i}\" X=\"{x}\" Y=\"{y}\"/>"))
        .collect();
    format!(
        "<Annotation Name=\"{name}\" Type=\"Polygon\" PartOfGroup=\"{group}\" Color=\"#F4FA58\"><Coordinates>{points}</Coordinates></Annotation>"
    )
}

fn square(x: f64, y: f64, side: f64) -> Vec<(f64, f64)> {
    vec![(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
}

#[test]
fn real_files_give_shapelys_areas() {
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        eprintln!("skipped: SPOLIA_DATA does not name the folder of real data");
        return;
    };
    let folder = std::path::Path::new(&folder).join("annotations");
    // points, area, left and top of a box of 200 x 400, area of the polygon in it
    let cmu = [
        (
            45,
            1_084_642.804_805_963_5,
            (7_155.0, 20_487.0),
            69_908.539_887_980_03,
        ),
        (
            52,
            1_189_522.313_235_644_7,
            (31_438.0, 11_351.0),
            79_894.131_683_432_74,
        ),
        (51, 539_623.783_157_374_8, (8_712.0, 19_907.0), 80_000.0),
        (23, 1_792_481.267_945_206_7, (10_385.0, 19_207.0), 80_000.0),
    ];
    let camelyon = [
        (8, 93_494.895, (12_662.0, 88_874.0), 53_879.798_485_889_616),
        (15, 92_491.585, (13_206.0, 87_161.0), 48_347.415_333_216_646),
        (12, 66_960.72, (10_617.0, 75_500.0), 50_549.427_906_592_4),
    ];
    for (name, wanted) in [
        ("CMU-1_classification.asap.xml", &cmu[..]),
        ("patient_004_node_4.xml", &camelyon[..]),
    ] {
        let read = Annotations::read(folder.join(name)).unwrap();
        for (annotation, &(points, area, (x, y), part)) in read.annotations.iter().zip(wanted) {
            assert_eq!(annotation.polygons[0].outer.len(), points);
            close(annotation.shape().area(), area);
            close(
                annotation.shape().share(x, y, 200.0, 400.0) * 80_000.0,
                part,
            );
        }
        assert!(read.problems(None).is_empty());
        let back = Annotations::parse(&read.to_asap()).unwrap();
        assert_eq!(back.annotations, read.annotations);
    }
    let cmu = Annotations::read(folder.join("CMU-1_classification.asap.xml")).unwrap();
    assert_eq!(cmu.annotations[4].kind, Kind::Dot);
    assert_eq!(cmu.annotations[4].points.len(), 1);
    assert_eq!(
        cmu.unknown_groups(&Scheme::default()),
        ["malignant", "benign"]
    );
    let node = Annotations::read(folder.join("patient_004_node_4.xml")).unwrap();
    close(
        node.tumor(&Scheme::default()).area(),
        93_494.895 + 92_491.585 + 66_960.72,
    );
}

#[test]
fn camelyon_paints_in_its_own_order() {
    let xml = asap(
        &[
            polygon("1", "normal", &square(2.0, 2.0, 4.0)),
            polygon("2", "Metastases", &square(0.0, 0.0, 10.0)),
        ]
        .concat(),
        "",
    );
    // normal lies over metastases, whatever the order in the file
    close(
        Annotations::parse(&xml)
            .unwrap()
            .tumor(&Scheme::default())
            .area(),
        84.0,
    );
    let xml = asap(
        &[
            polygon("1", "_0", &square(0.0, 0.0, 10.0)),
            polygon("2", "_1", &square(20.0, 0.0, 10.0)),
            polygon("3", "_2", &square(22.0, 2.0, 5.0)),
        ]
        .concat(),
        "",
    );
    close(
        Annotations::parse(&xml)
            .unwrap()
            .tumor(&Scheme::default())
            .area(),
        175.0,
    );
}

#[test]
fn groups_are_part_of_groups() {
    let groups = "<Group Name=\"small\" PartOfGroup=\"metastases\" Color=\"#ff0000\"/>\
        <Group Name=\"a\" PartOfGroup=\"b\"/><Group Name=\"b\" PartOfGroup=\"a\"/>";
    let shapes = [
        polygon("1", "small", &square(0.0, 0.0, 2.0)),
        polygon("2", "a", &square(9.0, 0.0, 2.0)),
    ];
    let read = Annotations::parse(&asap(&shapes.concat(), groups)).unwrap();
    close(read.tumor(&Scheme::default()).area(), 4.0);
    assert_eq!(read.unknown_groups(&Scheme::default()), ["a"]);
}

#[test]
fn points_are_sorted_and_types_are_read_in_any_case() {
    let xml = asap(
        "<Annotation Name='z' Type='RECTANGLE' PartOfGroup='None' Color='#000000'><Coordinates>\
         <Coordinate Order='2' X='4' Y='3'/><Coordinate Order='0' X='0' Y='0'/>\
         <Coordinate Order='3' X='0' Y='3'/><Coordinate Order='1' X='4' Y='0'/></Coordinates></Annotation>\
         <Annotation Name='p' Type='pointSet' PartOfGroup='x'><Coordinates>\
         <Coordinate Order='0' X='1' Y='2'/><Coordinate Order='1' X='3' Y='4'/></Coordinates></Annotation>",
        "",
    );
    let read = Annotations::parse(&xml).unwrap();
    assert_eq!(
        (read.annotations[0].kind, read.annotations[0].group.as_ref()),
        (Kind::Rectangle, None)
    );
    close(read.annotations[0].shape().area(), 12.0);
    assert_eq!(read.annotations[1].points, [[1.0, 2.0], [3.0, 4.0]]);
}

#[test]
fn qupath_in_a_circle() {
    let json = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","id":"f6ee62d4-1b0d-4d4a-9f6e-3d6d1e2b4c5a",
         "geometry":{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[2,2],[4,2],[4,4],[2,4],[2,2]]]},
         "properties":{"objectType":"annotation","name":"lesion","classification":{"name":"Tumor","color":[200,0,16]},
                       "measurements":{"Area":96.0}}},
        {"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[20,0],[30,0],[30,10],[20,10],[20,0]]],[[[40,0],[45,0],[45,2],[40,2],[40,0]]]]},
         "properties":{"classification":{"name":"Tumor: Positive"}}},
        {"type":"Feature","geometry":{"type":"Point","coordinates":[3,4]},"properties":null},
        {"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[1,1]]},"properties":{}}]}"#;
    let read = Annotations::parse(json).unwrap();
    let tumor = read.tumor(&Scheme::default());
    close(tumor.area(), 96.0 + 100.0 + 10.0);
    assert!(!tumor.contains(3.0, 3.0));
    let first = &read.annotations[0];
    assert_eq!(first.color.as_deref(), Some("#c80010"));
    assert_eq!(first.measurements["Area"], 96.0);
    assert_eq!(read.mended.len(), 1);
    assert_eq!(read.mended[0].kind, ProblemKind::Line);
    let back = Annotations::parse(&read.to_geojson()).unwrap();
    assert_eq!(back.annotations[..3], read.annotations[..3]);
    // ASAP has no holes: they become exclusions
    let asap = Annotations::parse(&read.to_asap()).unwrap();
    close(asap.tumor(&Scheme::default()).area(), 206.0);
    // a bare list of features, as QuPath writes too
    let list = r#"[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]]},"properties":{}}]"#;
    let read = Annotations::parse(list).unwrap();
    close(read.annotations[0].shape().area(), 0.5);
    assert_eq!(read.mended[0].kind, ProblemKind::Unclosed);
}

#[test]
fn files_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let read = Annotations::parse(&asap(
        &polygon("a & \"b\" <c>", "tumor", &square(0.0, 0.0, 2.5)),
        "",
    ))
    .unwrap_err();
    assert!(
        matches!(read, AnnotationFault::Xml(XmlFault::Syntax { .. })),
        "{read}"
    );
    let name = "a &amp; &quot;b&quot; &lt;c&gt;";
    let read =
        Annotations::parse(&asap(&polygon(name, "tumor", &square(0.0, 0.0, 2.5)), "")).unwrap();
    assert_eq!(read.annotations[0].name, "a & \"b\" <c>");
    let (xml, json) = (folder.path().join("a.xml"), folder.path().join("a.geojson"));
    read.write_asap(&xml).unwrap();
    read.write_geojson(&json).unwrap();
    assert_eq!(
        Annotations::read(&xml).unwrap().annotations,
        read.annotations
    );
    assert_eq!(
        Annotations::read(&json).unwrap().annotations[0].polygons,
        read.annotations[0].polygons
    );
    let missing = Annotations::read(folder.path().join("none.xml")).unwrap_err();
    assert!(matches!(missing, Error::Read { .. }));
}

#[test]
fn problems_are_named() {
    let bow = [(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)];
    let xml = asap(
        &[
            polygon("bow", "tumor", &bow),
            polygon("line", "tumor", &bow[..2]),
            polygon("far", "tumor", &square(90.0, 0.0, 20.0)),
        ]
        .concat(),
        "",
    );
    let read = Annotations::parse(&xml).unwrap();
    let kinds: Vec<_> = read
        .problems(Some((100, 100)))
        .into_iter()
        .map(|p| (p.number, p.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            (0, ProblemKind::SelfCrossing),
            (1, ProblemKind::TooFewPoints),
            (2, ProblemKind::Outside)
        ]
    );
    // filled by winding: 50, and the square of 400
    close(read.tumor(&Scheme::default()).area(), 450.0);
    let closed = asap(
        &polygon(
            "closed",
            "tumor",
            &[&square(0.0, 0.0, 4.0)[..], &[(0.0, 0.0)]].concat(),
        ),
        "",
    );
    assert_eq!(
        Annotations::parse(&closed).unwrap().annotations[0].polygons[0]
            .outer
            .len(),
        4
    );
}

#[test]
fn damaged_files_are_refused_in_words() {
    let fault = |text: &str| Annotations::parse(text).unwrap_err();
    let nan = asap(
        &polygon("x", "tumor", &[(0.0, 0.0), (f64::NAN, 1.0), (1.0, 1.0)]),
        "",
    );
    let message = fault(&nan).to_string();
    assert!(
        message.contains("`x`") && message.contains("point 1") && message.contains("NaN"),
        "{message}"
    );
    for value in ["inf", "1e300", "12,5", ""] {
        let text = asap(
            "<Annotation Name='x' Type='Dot'><Coordinates><Coordinate Order='0' X='V' Y='1'/></Coordinates></Annotation>",
            "",
        );
        assert!(matches!(
            fault(&text.replace("'V'", &format!("'{value}'"))),
            AnnotationFault::Coordinate { .. }
        ));
    }
    let whole = asap(&polygon("x", "tumor", &square(0.0, 0.0, 1.0)), "");
    assert!(matches!(
        fault(&whole[..whole.len() / 2]),
        AnnotationFault::Xml(_)
    ));
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><ASAP_Annotations>&lol2;</ASAP_Annotations>";
    assert!(matches!(
        fault(bomb),
        AnnotationFault::Xml(XmlFault::Entity { .. })
    ));
    assert!(matches!(
        fault("<html></html>"),
        AnnotationFault::Root { .. }
    ));
    assert!(matches!(fault(""), AnnotationFault::Unknown { .. }));
    assert!(matches!(fault("id,x,y"), AnnotationFault::Unknown { .. }));
    let star = asap("<Annotation Name='x' Type='Star'/>", "");
    assert!(matches!(fault(&star), AnnotationFault::Kind { .. }));
    for json in [
        "{",
        "[]]",
        "{\"type\":\"Feature\"",
        "[{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"Point\",\"coordinates\":[NaN,1]}}]",
        "{\"type\":\"Polygon\",\"coordinates\":[[[1e999,0],[1,1],[0,1]]]}",
    ] {
        assert!(
            matches!(fault(json), AnnotationFault::GeoJson { .. }),
            "{json}"
        );
    }
    let far = "{\"type\":\"Polygon\",\"coordinates\":[[[1e12,0],[1,1],[0,1]]]}";
    assert!(matches!(fault(far), AnnotationFault::Coordinate { .. }));
    // ten megabytes of noise
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.xml");
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    std::fs::write(
        &path,
        (0..10 << 20)
            .map(|_| rng.random::<u8>())
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let message = Annotations::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("noise.xml") && message.contains("no text"),
        "{message}"
    );
}

#[test]
fn mutations_do_not_panic() {
    let mut sound = Annotations::parse(&asap(
        &[
            polygon("1", "tumor", &square(0.0, 0.0, 10.0)),
            polygon("2", "normal", &square(2.0, 2.0, 3.5)),
        ]
        .concat(),
        "<Group Name=\"tumor\" PartOfGroup=\"None\" Color=\"#ff0000\"/>",
    ))
    .unwrap();
    sound.annotations[0].polygons[0].holes = vec![vec![[1.0, 1.0], [2.0, 1.0], [2.0, 2.0]]];
    let pieces = [
        "<", ">", "&lt;", "\"", "-", "1e5", "[", "]", "{", "}", ",", "9999999", "0", "nan", "/",
    ];
    for (seed, text) in [sound.to_asap(), sound.to_geojson()].iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
        let times = std::env::var("SPOLIA_MUTATIONS")
            .ok()
            .and_then(|times| times.parse().ok());
        for _ in 0..1_500 * times.unwrap_or(1) {
            let mut changed = text.clone().into_bytes();
            for _ in 0..rng.random_range(1..5) {
                let at = rng.random_range(0..changed.len());
                match rng.random_range(0..3) {
                    0 => changed[at] = rng.random_range(32..127),
                    1 => {
                        let piece = pieces[rng.random_range(0..pieces.len())];
                        changed.splice(at..at + 1, piece.bytes());
                    }
                    _ => {
                        let end = (at + rng.random_range(1..40)).min(changed.len());
                        changed.drain(at..end);
                    }
                }
            }
            let changed = String::from_utf8_lossy(&changed);
            if let Ok(read) = Annotations::parse(&changed) {
                let tumor = read.tumor(&Scheme::default());
                assert!(
                    tumor.area().is_finite()
                        && (0.0..=1.0).contains(&tumor.share(1.0, 1.0, 4.0, 4.0))
                );
                let _ = read.problems(Some((10, 10)));
            }
        }
    }
}

#[test]
fn shapes_of_polygons_with_many_overlaps() {
    // a row of 50 squares, each covering half of the one before
    let row: Vec<Polygon> = (0..50)
        .map(|i| Polygon {
            outer: square(f64::from(i) * 5.0, 0.0, 10.0)
                .into_iter()
                .map(|(x, y)| [x, y])
                .collect(),
            holes: vec![],
        })
        .collect();
    let shape = Shape::of(&row);
    close(shape.area(), 10.0 * (49.0 * 5.0 + 10.0));
    close(shape.share(-10.0, 0.0, 20.0, 10.0), 0.5);
}
