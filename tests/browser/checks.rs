//! What every page must be: usable with a screen reader and the keyboard, readable in both schemes, no wider than its
//! screen.

use crate::browser::{Browser, Scheme};
use serde_json::{Value, json};

/// Roles of what people operate, as Chromium calls them.
const OPERATED: [&str; 17] = [
    "button",
    "checkbox",
    "combobox",
    "gridcell",
    "link",
    "listbox",
    "menuitem",
    "option",
    "radio",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "textbox",
    "treeitem",
    "Date",
];

/// Focusable without being operated: what scrolls, the page itself, and where a link leads that skips its head.
const SCROLLED: [&str; 5] = ["RootWebArea", "main", "generic", "region", "none"];

/// Attributes that say nothing or the wrong thing, told by a script.
const ATTRIBUTES: &str = "
    const found = [];
    const tell = (element, words) => found.push(words + ': ' + element.outerHTML.slice(0, 120));
    if (!document.documentElement.lang) found.push('the page has no language');
    if (!document.title.trim()) found.push('the page has no title');
    for (const element of document.querySelectorAll('[tabindex]'))
        if (element.tabIndex > 0) tell(element, 'a positive tabindex');
    const seen = new Set();
    for (const element of document.querySelectorAll('[id]')) {
        if (seen.has(element.id)) tell(element, 'an id for the second time');
        seen.add(element.id);
    }
    const named = ['aria-labelledby', 'aria-describedby', 'aria-controls', 'aria-activedescendant'];
    for (const attribute of named) for (const element of document.querySelectorAll(`[${attribute}]`))
        for (const id of element.getAttribute(attribute).split(/\\s+/).filter(Boolean))
            if (!document.getElementById(id)) tell(element, attribute + ' names nothing');
    const root = document.scrollingElement;
    if (root.scrollWidth > innerWidth + 1)
        found.push(`the page is ${root.scrollWidth} wide and the window ${innerWidth}`);
    // What scrolls in its place is as wide as the page too.
    const page = document.getElementById('page');
    if (page && page.scrollWidth > page.clientWidth + 1)
        found.push(`the page's content is ${page.scrollWidth} wide and its place ${page.clientWidth}`);
    return found;";

impl Browser {
    /// What is wrong with the page as it is shown now.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.unnamed();
        for script in [ATTRIBUTES, include_str!("contrast.js")] {
            let told = self.script(script);
            faults.extend(told.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()));
        }
        faults
    }

    /// Fails unless everybody can use the page, in light and in dark, on the screen that it is shown on.
    #[track_caller]
    pub fn is_sound(&self) {
        for scheme in Scheme::BOTH {
            self.scheme(scheme);
            let faults = self.faults();
            assert!(faults.is_empty(), "{scheme:?}:\n{}", faults.join("\n"));
        }
        self.scheme(Scheme::Light);
    }

    /// What people operate, or are shown as a picture, and a screen reader has no name for.
    fn unnamed(&self) -> Vec<String> {
        let tree = self.devtools("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().unwrap();
        assert!(nodes.len() > 1, "the page has content: {tree}");
        nodes.iter().filter(|node| is_nameless(node)).map(|node| self.describe(node)).collect()
    }

    fn describe(&self, node: &Value) -> String {
        let id = node["backendDOMNodeId"].clone();
        let html = self.try_devtools("DOM.getOuterHTML", json!({"backendNodeId": id})).unwrap_or_default();
        let html: String = html["outerHTML"].as_str().unwrap_or_default().chars().take(120).collect();
        format!("a {} without a name: {html}", node["role"]["value"].as_str().unwrap_or_default())
    }
}

fn is_nameless(node: &Value) -> bool {
    let role = node["role"]["value"].as_str().unwrap_or_default();
    let properties = node["properties"].as_array();
    let is_focusable = properties
        .into_iter()
        .flatten()
        .any(|property| property["name"] == "focusable" && property["value"]["value"] == true);
    let needs_name = OPERATED.contains(&role) || role == "image" || is_focusable && !SCROLLED.contains(&role);
    let name = node["name"]["value"].as_str().unwrap_or_default();
    node["ignored"] == false && needs_name && name.trim().is_empty()
}
