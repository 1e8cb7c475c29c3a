"""Literal values of crates/spolia-slide/tests/annotation.rs, from shapely 2.2.0.

For each polygon of the ASAP files: its area, and that of its part inside a rectangle.

    python annotation_areas.py FILE...
"""

import sys
import xml.etree.ElementTree as tree

import shapely

for path in sys.argv[1:]:
    for annotation in tree.parse(path).iter("Annotation"):
        corners = sorted(annotation.iter("Coordinate"), key=lambda c: int(c.get("Order")))
        points = [(float(c.get("X")), float(c.get("Y"))) for c in corners]
        if len(points) < 3:
            continue
        shape = shapely.Polygon(points)
        x, y = round(shape.centroid.x), round(shape.centroid.y)
        box = shapely.box(x - 100, y - 100, x + 100, y + 300)
        print(annotation.get("Name"), len(points), shape.area, (x - 100, y - 100), shape.intersection(box).area)
