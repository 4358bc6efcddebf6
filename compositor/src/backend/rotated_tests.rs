use super::*;

/// A surface whose upper left corner has changed.
struct Surface {
    id: Id,
    /// The buffer transform that its client set.
    transform: Transform,
    changed: bool,
}

impl Element for Surface {
    fn id(&self) -> &Id {
        &self.id
    }
    fn current_commit(&self) -> CommitCounter {
        CommitCounter::default()
    }
    fn src(&self) -> Rectangle<f64, Buffer> {
        Rectangle::from_size((800.0, 1280.0).into())
    }
    fn transform(&self) -> Transform {
        self.transform
    }
    fn geometry(&self, _: Scale<f64>) -> Rectangle<i32, Physical> {
        Rectangle::from_size((800, 1280).into())
    }
    fn damage_since(&self, _: Scale<f64>, _: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        let corner = Rectangle::from_size((10, 20).into());
        if self.changed { DamageSet::from_slice(&[corner]) } else { DamageSet::default() }
    }
}

/// What a panel that hangs on its side is told to have changed.
fn told(transform: Transform, changed: bool, planes: bool) -> Vec<Rectangle<i32, Physical>> {
    let rotation = PanelRotation {
        transform: Transform::_90,
        panel: (1280, 800).into(),
        picture: (800, 1280).into(),
        planes: false,
    };
    let surface =
        Rotated { inner: Surface { id: Id::new(), transform, changed }, rotation: rotation.with_planes(planes) };
    surface.damage_since(Scale::from(1.0), None).to_vec()
}

#[test]
fn damage_of_a_rotated_frame_is_in_panel_pixels() {
    assert_eq!(told(Transform::Normal, true, false), [Rectangle::new((1260, 0).into(), (20, 10).into())]);
    assert_eq!(told(Transform::Normal, false, false), []);
}

#[test]
fn an_element_rotated_by_its_plane_is_damaged_as_a_whole() {
    assert_eq!(told(Transform::Normal, true, true), [Rectangle::from_size((1280, 800).into())]);
    assert_eq!(told(Transform::Normal, false, true), [], "nothing is told of what did not change");
    // Rotated by its client already, it is on the plane unchanged.
    assert_eq!(told(Transform::_270, true, true), [Rectangle::new((1260, 0).into(), (20, 10).into())]);
}
