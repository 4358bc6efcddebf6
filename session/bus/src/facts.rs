//! Parses an interface's introspection: the arguments of its methods, and which properties are announced. zbus
//! generates the text from the code, so nothing is written twice. Pure.

/// A property as introspection has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Whether changes are announced with the new value; else it is constant or to be read when wanted.
    pub announced: bool,
    /// Whether it can be written.
    pub writable: bool,
}

/// The facts of an interface.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The `<interface>` element, indented by one step.
    pub xml: String,
    /// Name and signature of all arguments, as in a message's header.
    pub methods: Vec<(String, String)>,
    /// In the order of the text.
    pub properties: Vec<Property>,
}

impl Facts {
    /// Of the interface that introspects as `xml`; `writable` are properties that zbus takes for read-only.
    pub fn read(xml: &str, writable: &[&str]) -> Self {
        let mut facts = Facts::default();
        for line in xml.lines() {
            let element = line.trim_start();
            let name = attribute(element, "name").unwrap_or_default();
            let mut line = line.to_owned();
            if element.starts_with("<method ") {
                facts.methods.push((name.to_owned(), String::new()));
            } else if element.starts_with("<arg ")
                && attribute(element, "direction") == Some("in")
                && let Some((_, signature)) = facts.methods.last_mut()
            {
                signature.push_str(attribute(element, "type").unwrap_or_default());
            } else if element.starts_with("<property ") {
                let writable = writable.contains(&name);
                facts.properties.push(Property { name: name.to_owned(), announced: true, writable });
                if writable {
                    line = line.replace("access=\"read\"", "access=\"readwrite\"");
                }
            } else if name == "org.freedesktop.DBus.Property.EmitsChangedSignal"
                && let Some(property) = facts.properties.last_mut()
            {
                property.announced = attribute(element, "value") == Some("true");
            }
            facts.xml.push_str(&line);
            facts.xml.push('\n');
        }
        facts
    }

    /// The types of all arguments of the method; `None`: there is no such method.
    pub fn arguments(&self, method: &str) -> Option<&str> {
        self.methods.iter().find(|(name, _)| name == method).map(|(_, signature)| signature.as_str())
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = element.split_once(&format!(" {name}=\""))?;
    value.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_access_and_announcements_are_read_back() {
        let xml = r#"  <interface name="a.B">
    <!--
     Says "name" and type.
     -->
    <method name="Do">
      <arg name="first" type="u" direction="in"/>
      <arg name="second" type="a{sv}" direction="in"/>
      <arg type="h" direction="out"/>
    </method>
    <method name="Stop">
    </method>
    <signal name="Done">
      <arg name="how" type="s"/>
    </signal>
    <property name="Kind" type="s" access="read">
      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="const"/>
    </property>
    <property name="Power" type="b" access="read"/>
  </interface>
"#;
        let facts = Facts::read(xml, &["Power"]);
        assert_eq!(facts.arguments("Do"), Some("ua{sv}"));
        assert_eq!(facts.arguments("Stop"), Some(""));
        assert_eq!(facts.arguments("Done"), None);
        let property = |name: &str, announced, writable| Property { name: name.into(), announced, writable };
        assert_eq!(facts.properties, [property("Kind", false, false), property("Power", true, true)]);
        assert_eq!(facts.xml, xml.replace("\"b\" access=\"read\"", "\"b\" access=\"readwrite\""));
    }
}
