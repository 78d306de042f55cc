//! What is on a page, found as people with a screen reader find it: by its role and its name.

use crate::browser::Browser;
use serde_json::{Value, json};

/// So many stops with the Tab key are tried.
const STOPS_MAX: usize = 200;

/// An element in the tree that screen readers use.
pub struct Element<'a> {
    browser: &'a Browser,
    node: i64,
    pub role: String,
    pub name: String,
}

impl Browser {
    /// All of this role, in the order of the page. Chromium calls `img` `image`.
    pub fn try_all(&self, role: &str) -> Result<Vec<Element<'_>>, String> {
        let document = self.try_devtools("DOM.getDocument", json!({"depth": 0}))?;
        let root = document["root"]["backendNodeId"].clone();
        let query = json!({"backendNodeId": root, "role": role});
        let answer = self.try_devtools("Accessibility.queryAXTree", query)?;
        let nodes = answer["nodes"].as_array().into_iter().flatten();
        let are_told = nodes.filter(|node| node["ignored"] == false);
        Ok(are_told.filter_map(|node| self.element(node)).collect())
    }

    fn element(&self, node: &Value) -> Option<Element<'_>> {
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().trim().to_owned();
        let id = node["backendDOMNodeId"].as_i64()?;
        Some(Element { browser: self, node: id, role: text(&node["role"]), name: text(&node["name"]) })
    }

    #[track_caller]
    pub fn all(&self, role: &str) -> Vec<Element<'_>> {
        self.try_all(role).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The only one of this role and name; one that ends with `…` is the beginning of a name.
    pub fn try_find(&self, role: &str, name: &str) -> Result<Element<'_>, String> {
        let all = self.try_all(role)?;
        let names: Vec<String> = all.iter().map(|element| element.name.clone()).collect();
        let mut found: Vec<_> = all.into_iter().filter(|element| is_named(&element.name, name)).collect();
        match found.len() {
            1 => Ok(found.remove(0)),
            count => Err(format!("{count} of role {role} are named {name:?}; there are {names:?}")),
        }
    }

    /// Waits until it is there.
    #[track_caller]
    pub fn find(&self, role: &str, name: &str) -> Element<'_> {
        self.until(&format!("there is a {role} {name:?}"), || self.try_find(role, name))
    }

    /// Waits until there is none of that role and name.
    #[track_caller]
    pub fn lacks(&self, role: &str, name: &str) {
        self.until(&format!("there is no {role} {name:?}"), || match self.try_all(role)? {
            all if all.iter().any(|element| is_named(&element.name, name)) => Err("it is there".to_owned()),
            _ => Ok(()),
        });
    }

    /// Clicks or touches it as soon as it is there, enabled and not covered.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str) {
        self.until(&format!("{role} {name:?} can be clicked"), || self.try_find(role, name)?.try_click());
    }

    /// Clicks into a field and replaces what it holds.
    #[track_caller]
    pub fn fill(&self, name: &str, text: &str) {
        self.click("textbox", name);
        self.press(&["Control+a", "Backspace"]);
        self.write(text);
    }

    /// The first element that a selector finds, where a role and a name say too little.
    pub fn try_select(&self, selector: &str) -> Result<Element<'_>, String> {
        let expression = format!("document.querySelector({})", json!(selector));
        self.try_evaluated(&expression)
    }

    /// Waits until what the selector finds has a text that contains `words`.
    #[track_caller]
    pub fn says(&self, selector: &str, words: &str) {
        self.until(&format!("{selector} says {words:?}"), || {
            let text = self.try_select(selector)?.try_text()?;
            if text.contains(words) { Ok(()) } else { Err(format!("it says {text:?}")) }
        });
    }

    fn try_evaluated(&self, expression: &str) -> Result<Element<'_>, String> {
        let answer = self.try_devtools("Runtime.evaluate", json!({"expression": expression}))?;
        let object = answer["result"]["objectId"].as_str();
        let object = object.ok_or_else(|| format!("{expression} is {}", answer["result"]))?;
        let query = json!({"objectId": object, "fetchRelatives": false});
        let tree = self.try_devtools("Accessibility.getPartialAXTree", query)?;
        self.element(&tree["nodes"][0]).ok_or_else(|| format!("{expression} is no element"))
    }

    /// What has the focus: its role and name.
    pub fn focused(&self) -> (String, String) {
        let focused = self.try_evaluated("document.activeElement");
        focused.map_or_else(|_| Default::default(), |element| (element.role, element.name))
    }

    /// Goes on with the Tab key until this has the focus.
    #[track_caller]
    pub fn tab_to(&self, role: &str, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..STOPS_MAX {
            let (there, named) = self.focused();
            if there == role && is_named(&named, name) {
                return;
            }
            passed.push(format!("{there} {named:?}"));
            self.press(&["Tab"]);
        }
        passed.dedup();
        passed.truncate(40);
        panic!("the Tab key does not lead to {role} {name:?}, but to {}", passed.join(", "));
    }
}

fn is_named(name: &str, wanted: &str) -> bool {
    wanted.strip_suffix('…').map_or(name == wanted, |beginning| name.starts_with(beginning))
}

impl Element<'_> {
    /// What a function returns that has the element as `this`.
    pub fn try_call(&self, function: &str) -> Result<Value, String> {
        let object = self.browser.try_devtools("DOM.resolveNode", json!({"backendNodeId": self.node}))?;
        let call = json!({
            "objectId": object["object"]["objectId"], "functionDeclaration": function, "returnByValue": true,
        });
        let mut answer = self.browser.try_devtools("Runtime.callFunctionOn", call)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(format!("{function}: {details}")),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    pub fn try_text(&self) -> Result<String, String> {
        let text = self.try_call("function() { return this.innerText ?? this.textContent; }")?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// An attribute, empty where there is none.
    pub fn try_attribute(&self, name: &str) -> Result<String, String> {
        let function = format!("function() {{ return this.getAttribute({}); }}", json!(name));
        Ok(self.try_call(&function)?.as_str().unwrap_or_default().to_owned())
    }

    #[track_caller]
    pub fn attribute(&self, name: &str) -> String {
        self.try_attribute(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Gives a file to a field for files.
    #[track_caller]
    pub fn choose_file(&self, file: &std::path::Path) {
        self.browser.devtools("DOM.setFileInputFiles", json!({"backendNodeId": self.node, "files": [file]}));
    }

    /// Clicks or touches its middle, where a person would meet it.
    pub fn try_click(&self) -> Result<(), String> {
        let place = self.try_call(include_str!("place.js"))?;
        match (place["x"].as_i64(), place["y"].as_i64()) {
            (Some(x), Some(y)) => self.browser.try_point((x, y)),
            _ => Err(format!("it cannot be clicked: {place}")),
        }
    }
}
