//! What a policy says about one plugin: the sections that are for it, put together.
//!
//! Never: rules that were written for another plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AllowRule, DenyRule, Pin, Policy};
use crate::id::PluginId;
use crate::quantity::{ByteSize, TimeSpan};
use crate::tool::{ToolDeclaration, ToolId};

/// The rules for one plugin, and the tools that they speak of.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    pub(crate) allow: Vec<AllowRule>,
    pub(crate) deny: Vec<DenyRule>,
    pub(crate) tools: BTreeMap<ToolId, Arc<ToolDeclaration>>,
    /// Every layer that pins a component must be content: a later one cannot lift a pin.
    pub(crate) pins: Vec<Pin>,
    pub(crate) memory: Option<ByteSize>,
    pub(crate) time: Option<TimeSpan>,
}

impl Policy {
    /// Everything that is said about a plugin. Of limits the highest layer's hold.
    pub(crate) fn for_plugin(&self, id: &PluginId) -> Allowance {
        let mut allowance = Allowance {
            allow: Vec::new(),
            deny: Vec::new(),
            tools: BTreeMap::new(),
            pins: Vec::new(),
            memory: None,
            time: None,
        };
        for section in self
            .sections
            .iter()
            .filter(|section| section.subject.is(id))
        {
            allowance.allow.extend(section.allow.iter().cloned());
            allowance.deny.extend(section.deny.iter().cloned());
            allowance.pins.extend(section.pin.clone());
            allowance.memory = section.memory.or(allowance.memory);
            allowance.time = section.time.or(allowance.time);
        }
        for (id, tool) in &self.tools {
            allowance
                .tools
                .insert(id.clone(), Arc::clone(&tool.declaration));
        }
        allowance
    }
}
