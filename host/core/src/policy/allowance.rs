//! What a policy says about one plugin: the sections that are for it, put together.
//!
//! Never: rules that were written for another plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AllowRule, DenyRule, Pin, Policy};
use crate::id::PluginId;
use crate::manifest::{Confinement, DEFAULT_CONFINEMENT};
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
    /// The loosest confinement of tools that the owner accepts.
    pub(crate) confinement: Confinement,
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
            confinement: self.confinement.unwrap_or(DEFAULT_CONFINEMENT),
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
            allowance.confinement = section.confinement.unwrap_or(allowance.confinement);
        }
        for (id, tool) in &self.tools {
            allowance
                .tools
                .insert(id.clone(), Arc::clone(&tool.declaration));
        }
        allowance
    }
}
