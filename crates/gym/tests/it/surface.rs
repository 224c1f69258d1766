//! Every primitive and keyword, as it reaches the wire.

use igym_gym::{Align, Asset, Color, DrawList, DrawObject, Shape, Surface};
use serde_json::{Value as Json, json};

fn surface() -> Surface {
    Surface::new(200, 100)
}

/// The only object of a frame, as JSON.
fn wire(draw: impl FnOnce(&mut Surface)) -> Json {
    let mut surface = surface();
    surface.register_image("cat", "cat.png");
    surface.register_atlas("chefs", "chefs.png", "chefs.json");
    draw(&mut surface);
    let list = surface.commit();
    assert_eq!((list.objects.len(), list.omitted), (1, 0));
    let json = serde_json::to_value(&list.objects[0]).expect("it has a JSON form");
    let back: DrawObject = serde_json::from_value(json.clone()).expect("it was just written");
    assert_eq!(back, list.objects[0]);
    json
}

fn ids(list: &DrawList) -> Vec<&str> {
    list.objects
        .iter()
        .map(|object| object.id.as_str())
        .collect()
}

#[test]
fn a_rectangle() {
    let plain = wire(|s| {
        s.rect(1.0, 2.0, 30.0, 40.0);
    });
    assert_eq!(
        plain,
        json!({"id": "~rect1", "alpha": 1.0, "shape": {
            "kind": "rect", "x": 1.0, "y": 2.0, "width": 30.0, "height": 40.0,
            "border_radius": 0.0, "color": "#ffffff"
        }})
    );
    let full = wire(|s| {
        s.rect(1.0, 2.0, 30.0, 40.0)
            .color((255, 0, 16))
            .border_radius(4.5)
            .stroke("navy".parse::<Color>().unwrap(), 2.0);
    });
    assert_eq!(full["shape"]["color"], "#ff0010");
    assert_eq!(full["shape"]["border_radius"], 4.5);
    assert_eq!(
        full["shape"]["stroke"],
        json!({"color": "#000080", "width": 2.0})
    );
}

#[test]
fn a_circle_an_ellipse_and_an_arc() {
    assert_eq!(
        wire(|s| {
            s.circle(5.0, 6.0, 7.0).stroke(Color::BLACK, 1.0);
        })["shape"],
        json!({"kind": "circle", "x": 5.0, "y": 6.0, "radius": 7.0, "color": "#ffffff",
            "stroke": {"color": "#000000", "width": 1.0}})
    );
    assert_eq!(
        wire(|s| {
            s.ellipse(5.0, 6.0, 7.0, 8.0).color(Color::BLACK);
        })["shape"],
        json!({"kind": "ellipse", "x": 5.0, "y": 6.0, "radius_x": 7.0, "radius_y": 8.0,
            "color": "#000000"})
    );
    assert_eq!(
        wire(|s| {
            s.arc(5.0, 6.0, 7.0, 180.0, 360.0);
        })["shape"],
        json!({"kind": "arc", "x": 5.0, "y": 6.0, "radius": 7.0, "start_angle": 180.0,
            "end_angle": 360.0, "color": "#ffffff"})
    );
}

#[test]
fn a_line_and_a_polygon() {
    let points = [(0.0, 1.0), (2.5, 3.0), (4.0, 5.0)];
    assert_eq!(
        wire(|s| {
            s.line(points).width(3.0);
        })["shape"],
        json!({"kind": "line", "points": [[0.0, 1.0], [2.5, 3.0], [4.0, 5.0]], "width": 3.0,
            "color": "#ffffff"})
    );
    assert_eq!(
        wire(|s| {
            s.polygon(points).color(Color::hex(0x123456));
        })["shape"],
        json!({"kind": "polygon", "points": [[0.0, 1.0], [2.5, 3.0], [4.0, 5.0]],
            "color": "#123456"})
    );
}

#[test]
fn a_text() {
    assert_eq!(
        wire(|s| {
            s.text("Hi", 1.0, 2.0);
        })["shape"],
        json!({"kind": "text", "text": "Hi", "x": 1.0, "y": 2.0, "size": 16.0, "font": "Arial",
            "align": "left", "color": "#000000"})
    );
    let full = wire(|s| {
        s.text("Hi", 1.0, 2.0)
            .size(20.0)
            .font("serif")
            .align(Align::Center)
            .color((1, 2, 3));
    });
    assert_eq!(
        full["shape"],
        json!({"kind": "text", "text": "Hi", "x": 1.0, "y": 2.0, "size": 20.0, "font": "serif",
            "align": "center", "color": "#010203"})
    );
}

#[test]
fn an_image_and_a_frame_of_an_atlas() {
    assert_eq!(
        wire(|s| {
            s.image("cat", 1.0, 2.0, 30.0, 40.0);
        })["shape"],
        json!({"kind": "image", "image": "cat", "x": 1.0, "y": 2.0, "width": 30.0,
            "height": 40.0, "angle": 0.0})
    );
    assert_eq!(
        wire(|s| {
            s.image("chefs", 1.0, 2.0, 30.0, 40.0)
                .frame("north")
                .angle(90.0);
        })["shape"],
        json!({"kind": "image", "image": "chefs", "frame": "north", "x": 1.0, "y": 2.0,
            "width": 30.0, "height": 40.0, "angle": 90.0})
    );
}

#[test]
fn assets_are_listed_once_each() {
    let mut surface = surface();
    surface.register_image("cat", "old.png");
    surface.register_atlas("chefs", "chefs.png", "chefs.json");
    surface.register_image("cat", "cat.png");
    assert_eq!(
        serde_json::to_value(surface.assets()).unwrap(),
        json!([
            {"kind": "atlas", "name": "chefs", "image_path": "chefs.png", "json_path": "chefs.json"},
            {"kind": "image", "name": "cat", "path": "cat.png"},
        ])
    );
    surface.reset();
    assert_eq!(
        surface.assets().iter().map(Asset::name).collect::<Vec<_>>(),
        ["chefs", "cat"]
    );
}

#[test]
fn relative_coordinates_become_pixels() {
    let shape = |draw: fn(&mut Surface)| {
        let mut surface = surface();
        surface.register_image("cat", "cat.png");
        draw(&mut surface);
        surface.commit().objects[0].shape.clone()
    };
    let numbers = |shape: Shape| match shape {
        Shape::Rect {
            x,
            y,
            width,
            height,
            ..
        }
        | Shape::Image {
            x,
            y,
            width,
            height,
            ..
        } => {
            vec![x, y, width, height]
        }
        Shape::Circle { x, y, radius, .. } | Shape::Arc { x, y, radius, .. } => vec![x, y, radius],
        Shape::Ellipse {
            x,
            y,
            radius_x,
            radius_y,
            ..
        } => vec![x, y, radius_x, radius_y],
        Shape::Line { points, width, .. } => points
            .iter()
            .flat_map(|(x, y)| [*x, *y])
            .chain([width])
            .collect(),
        Shape::Polygon { points, .. } => points.iter().flat_map(|(x, y)| [*x, *y]).collect(),
        Shape::Text { x, y, size, .. } => vec![x, y, size],
    };
    let points = [(0.5, 0.5), (1.0, 1.0)];
    assert_eq!(points.len(), 2);
    for (draw, expected) in [
        (
            (|s| {
                s.rect(0.5, 0.5, 0.1, 0.1).relative();
            }) as fn(&mut Surface),
            &[100.0, 50.0, 20.0, 10.0][..],
        ),
        (
            |s| {
                s.image("cat", 0.5, 0.5, 0.1, 0.1).relative();
            },
            &[100.0, 50.0, 20.0, 10.0],
        ),
        (
            |s| {
                s.circle(0.5, 0.5, 0.1).relative();
            },
            &[100.0, 50.0, 20.0],
        ),
        (
            |s| {
                s.arc(0.5, 0.5, 0.1, 0.0, 9.0).relative();
            },
            &[100.0, 50.0, 20.0],
        ),
        (
            |s| {
                s.ellipse(0.5, 0.5, 0.1, 0.1).relative();
            },
            &[100.0, 50.0, 20.0, 10.0],
        ),
        (
            |s| {
                s.line([(0.5, 0.5), (1.0, 1.0)]).width(2.0).relative();
            },
            &[100.0, 50.0, 200.0, 100.0, 2.0],
        ),
        (
            |s| {
                s.polygon([(0.5, 0.5), (1.0, 1.0)]).relative();
            },
            &[100.0, 50.0, 200.0, 100.0],
        ),
        (
            |s| {
                s.text("Hi", 0.5, 0.5).relative();
            },
            &[100.0, 50.0, 16.0],
        ),
    ] {
        assert_eq!(numbers(shape(draw)), expected);
    }
}

#[test]
fn keywords_reach_the_object() {
    let object = wire(|s| {
        s.circle(0.0, 0.0, 1.0).id("ball").tween(50).alpha(0.5);
    });
    assert_eq!(
        (&object["id"], &object["tween_ms"]),
        (&json!("ball"), &json!(50))
    );
    assert_eq!(object["alpha"], 0.5);
    let object = wire(|s| {
        s.circle(0.0, 0.0, 1.0).alpha(7.0);
    });
    assert_eq!(object["alpha"], 1.0);
    assert!(object.get("tween_ms").is_none());
}

#[test]
fn keywords_of_other_shapes_change_nothing() {
    let plain = wire(|s| {
        s.circle(0.0, 0.0, 1.0);
    });
    let odd = wire(|s| {
        s.circle(0.0, 0.0, 1.0)
            .border_radius(3.0)
            .width(3.0)
            .size(3.0)
            .font("x")
            .align(Align::Right)
            .frame("f")
            .angle(3.0);
    });
    assert_eq!(plain, odd);
    let line = wire(|s| {
        s.line([(0.0, 0.0)]).stroke(Color::BLACK, 9.0);
    });
    assert!(line["shape"].get("stroke").is_none());
}

#[test]
fn depth_then_the_order_of_drawing_stacks() {
    let mut surface = surface();
    surface.circle(0.0, 0.0, 1.0).id("front").depth(1.0);
    surface.circle(0.0, 0.0, 1.0).id("first");
    surface.circle(0.0, 0.0, 1.0).persistent("second");
    surface.circle(0.0, 0.0, 1.0).id("third").depth(-0.0);
    surface.circle(0.0, 0.0, 1.0).id("back").depth(-1.0);
    assert_eq!(
        ids(&surface.commit()),
        ["back", "first", "second", "third", "front"]
    );
}

#[test]
fn unnamed_objects_are_counted_per_kind() {
    let mut surface = surface();
    for _ in 0..2 {
        surface.circle(0.0, 0.0, 1.0);
        surface.rect(0.0, 0.0, 1.0, 1.0);
        surface.circle(5.0, 0.0, 1.0);
        assert_eq!(ids(&surface.commit()), ["~circle1", "~rect1", "~circle2"]);
    }
}

#[test]
fn persistent_objects_stay_and_others_last_one_frame() {
    let mut surface = surface();
    surface.rect(0.0, 0.0, 1.0, 1.0).persistent("ground");
    surface.circle(0.0, 0.0, 1.0).id("ball");
    assert_eq!(ids(&surface.commit()), ["ground", "ball"]);
    assert_eq!(ids(&surface.commit()), ["ground"]);
    surface.rect(9.0, 0.0, 1.0, 1.0).persistent("ground");
    let list = surface.commit();
    assert!(matches!(list.objects[0].shape, Shape::Rect { x, .. } if x == 9.0));
    surface.rect(0.0, 0.0, 1.0, 1.0).id("ground");
    assert_eq!(ids(&surface.commit()), ["ground"]);
    assert!(
        ids(&surface.commit()).is_empty(),
        "the last drawing was for one frame"
    );
}

#[test]
fn persistent_objects_go_when_removed_or_reset() {
    let mut surface = surface();
    surface.rect(0.0, 0.0, 1.0, 1.0).persistent("one");
    surface.rect(0.0, 0.0, 1.0, 1.0).persistent("two");
    surface.commit();
    surface.remove("one");
    surface.remove("never there");
    assert_eq!(ids(&surface.commit()), ["two"]);
    surface.circle(0.0, 0.0, 1.0);
    surface.reset();
    assert!(surface.commit().objects.is_empty());
}

#[test]
fn of_two_objects_with_one_id_the_later_is_drawn() {
    let mut surface = surface();
    surface.circle(1.0, 0.0, 1.0).id("x");
    surface.circle(2.0, 0.0, 1.0).id("x");
    let list = surface.commit();
    assert_eq!(list.objects.len(), 1);
    assert!(matches!(list.objects[0].shape, Shape::Circle { x, .. } if x == 2.0));
}

#[test]
fn what_cannot_be_shown_is_left_out_and_counted() {
    let mut surface = surface();
    surface.circle(f64::NAN, 0.0, 1.0);
    surface.line([(0.0, f64::INFINITY)]);
    surface.rect(0.0, 0.0, 1.0, 1.0).depth(f64::NAN);
    surface
        .rect(0.0, 0.0, 1.0, 1.0)
        .stroke(Color::BLACK, f64::NAN);
    surface.image("unregistered", 0.0, 0.0, 1.0, 1.0);
    surface.circle(0.0, 0.0, 1.0).id("good");
    let list = surface.commit();
    assert_eq!(ids(&list), ["good"]);
    assert_eq!(list.omitted, 5);
}

#[test]
fn coordinates_are_hundredths_of_pixels() {
    let object = wire(|s| {
        s.circle(1.0 / 3.0, -0.001, 2.005_001);
    });
    assert_eq!(object["shape"]["x"], 0.33);
    assert_eq!(object["shape"]["y"].to_string(), "0.0");
    assert_eq!(object["shape"]["radius"], 2.01);
}
