//! Argument templates: the only shapes in which a tool is started.
//!
//! A template is a list of elements. An element is literal text, a slot `{name:type}`, or literal
//! text followed by one slot, `--max={n:int:1..5}`. `{scratch}` and `{scratch}/name`, also after
//! text, stand for the scratch directory and a file in it. `{{` and `}}` stand for braces. A slot is
//! one argument; `{name:type?}` is none or one, `{name:type*}` (last element only) any number,
//! `{name:type=value}` one with a default. A template in which a value could become an option is
//! refused when it is read. Never: two slots in an element, text after a slot, splitting.

use std::collections::BTreeMap;

use super::scratch::{self, PLACE, PlaceAt};
use super::{SlotName, SlotType, SlotTypeError, SlotValue, ValueError};
use crate::excerpt::excerpt;

/// Longest argument in bytes. Linux refuses 128 KiB; half of it leaves no doubt.
pub const MAX_ARGUMENT_BYTES: usize = 64 << 10;
/// Most bytes of all arguments and environment entries together. Linux takes about 2 MiB; this is
/// what the message to the supervisor holds, and far more than a command needs.
pub const MAX_LAUNCH_BYTES: usize = 256 << 10;
/// Most values of a repeated slot, as the contract says.
pub const MAX_REPEATED: usize = 1024;
/// Most elements of a template; a longer one is a program, not a shape.
const MAX_ELEMENTS: usize = 128;

/// How many values a slot takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One; this one if the call names none.
    Default(String),
    /// None or one. Without a value the element is left out.
    Optional,
    /// Any number up to [`MAX_REPEATED`], each an argument of its own.
    Repeated,
}

/// A place in a template that a call fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    name: SlotName,
    kind: SlotType,
    arity: Arity,
}

impl Slot {
    /// The name that a call uses.
    #[must_use]
    pub fn name(&self) -> &SlotName {
        &self.name
    }
    /// The values that it takes.
    #[must_use]
    pub fn kind(&self) -> &SlotType {
        &self.kind
    }
    /// How many of them.
    #[must_use]
    pub fn arity(&self) -> &Arity {
        &self.arity
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    Literal(String),
    /// Text with [`PLACE`] in it, at this byte.
    Place {
        text: String,
        byte: usize,
    },
    Slot {
        prefix: String,
        slot: Slot,
    },
}

/// The arguments of a filled template. [`PLACE`] still stands for the scratch directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) arguments: Vec<String>,
    pub(crate) places: Vec<PlaceAt>,
}

/// A checked template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: Vec<String>,
    elements: Vec<Element>,
}

/// Why a list of texts is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Braces that do not pair, or text after a slot.
    #[error(
        "`{0}` is not an element; write literal text, `{{name:type}}`, `--x={{name:type}}` or \
         `{{scratch}}/name`, and `{{{{` for a brace"
    )]
    Syntax(String),
    /// The name of a slot.
    #[error(transparent)]
    Name(#[from] super::NameError),
    /// The type of a slot.
    #[error(transparent)]
    Type(#[from] SlotTypeError),
    /// Two slots with one name.
    #[error("the slot `{0}` is there twice; give each slot its own name")]
    Duplicate(SlotName),
    /// A repeated slot that is not last.
    #[error("the repeated slot `{0}` is not last; move it to the end of the template")]
    RepeatedNotLast(SlotName),
    /// A value could become an option.
    #[error(
        "a value of `{0}` could begin with `-` and become an option; put the element \"--\" before \
         it, or use a narrower type"
    )]
    OptionLike(SlotName),
    /// A value could change what the text before it means.
    #[error(
        "`{0}` is a {1} and cannot follow other text; make it an element of its own, or use int, \
         enum or ident"
    )]
    Prefix(SlotName, String),
    /// The default does not fit the type.
    #[error("the default of `{0}` does not fit its type; {1}")]
    Default(SlotName, ValueError),
    /// A NUL byte or too long.
    #[error("an element holds a NUL byte or more than {MAX_ARGUMENT_BYTES} bytes; shorten it")]
    Unfit,
    /// Too many elements.
    #[error("the template has {0} elements, the limit is {MAX_ELEMENTS}; shorten it")]
    TooMany(usize),
}

impl Template {
    /// Checks the elements of a template. An empty list is the program without arguments.
    ///
    /// # Errors
    /// Every element that is wrong, with its place in the list.
    pub fn parse(source: &[String]) -> Result<Self, Vec<(usize, TemplateError)>> {
        if source.len() > MAX_ELEMENTS {
            return Err(vec![(MAX_ELEMENTS, TemplateError::TooMany(source.len()))]);
        }
        let mut elements = Vec::with_capacity(source.len());
        let mut errors = Vec::new();
        let mut options_ended = false;
        for (index, text) in source.iter().enumerate() {
            let element = parse_element(text).and_then(|element| {
                let last = index + 1 == source.len();
                check_place(&element, &elements, options_ended, last)?;
                Ok(element)
            });
            options_ended |= matches!(text.as_str(), "--" | "--end-of-options");
            match element {
                Ok(element) => elements.push(element),
                Err(error) => errors.push((index, error)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let source = source.to_vec();
        Ok(Self { source, elements })
    }

    /// The elements as the owner wrote them.
    #[must_use]
    pub fn source(&self) -> &[String] {
        &self.source
    }

    /// The slots, in order.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.elements.iter().filter_map(|element| match element {
            Element::Literal(_) | Element::Place { .. } => None,
            Element::Slot { slot, .. } => Some(slot),
        })
    }

    /// Fills the slots. Gives the arguments after the program.
    ///
    /// # Errors
    /// Every value that is missing, unknown, given twice or does not fit.
    pub(crate) fn fill(&self, given: &[(String, SlotValue)]) -> Result<Filled, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mut values: BTreeMap<&str, &SlotValue> = BTreeMap::new();
        for (name, value) in given {
            if !self.slots().any(|slot| slot.name.as_str() == name) {
                misfits.push(self.unknown(name));
            } else if values.insert(name, value).is_some() {
                let message = "the slot is filled twice; fill it once".to_owned();
                misfits.push(Misfit {
                    slot: name.clone(),
                    code: "duplicate",
                    message,
                });
            }
        }
        let mut filled = Filled::default();
        for element in &self.elements {
            match element {
                Element::Literal(text) => filled.arguments.push(text.clone()),
                Element::Place { text, byte } => filled.add_place(text.clone(), *byte),
                Element::Slot { prefix, slot } => {
                    let value = values.get(slot.name.as_str()).copied();
                    match slot.fill(value) {
                        Ok(values) => filled.add(prefix, slot, &values),
                        Err(misfit) => misfits.push(misfit),
                    }
                }
            }
        }
        if misfits.is_empty() {
            Ok(filled)
        } else {
            Err(misfits)
        }
    }

    /// The values that give exactly these arguments, if this template can give them: the reverse of
    /// [`Self::fill`]. A slot is filled as early as it can be; what cannot be reached so is not
    /// reached. Where arguments name the scratch directory, [`PLACE`] has to stand for it.
    #[must_use]
    pub fn unfill(&self, arguments: &[String]) -> Option<Vec<(String, SlotValue)>> {
        let mut rest = arguments;
        let mut values = Vec::new();
        for (index, element) in self.elements.iter().enumerate() {
            let (prefix, slot) = match element {
                Element::Literal(text) | Element::Place { text, .. } => {
                    let (first, others) = rest.split_first()?;
                    if first != text {
                        return None;
                    }
                    rest = others;
                    continue;
                }
                Element::Slot { prefix, slot } => (prefix, slot),
            };
            let fits = |argument: &String| {
                let given = argument.strip_prefix(prefix.as_str())?;
                let value = if slot.kind == SlotType::Scratch {
                    given.strip_prefix(PLACE)?.strip_prefix('/')?
                } else {
                    given
                };
                let same = slot.kind.check(value).is_ok_and(|checked| checked == given);
                same.then(|| value.to_owned())
            };
            let name = slot.name.as_str().to_owned();
            if slot.arity == Arity::Repeated {
                let all: Option<Vec<String>> = rest.iter().map(fits).collect();
                values.push((name, SlotValue::Many(all?)));
                rest = &[];
                continue;
            }
            // An optional slot leaves an argument to the literal that follows it.
            let next = self.elements.get(index + 1);
            let taken = |argument: &String| {
                slot.arity == Arity::Optional
                    && matches!(next, Some(Element::Literal(text)) if text == argument)
            };
            match rest.split_first() {
                Some((first, others)) if !taken(first) && fits(first).is_some() => {
                    values.push((name, SlotValue::One(fits(first)?)));
                    rest = others;
                }
                _ if slot.arity == Arity::Optional => {}
                _ => return None,
            }
        }
        // What was found has to give these arguments and no others.
        let again = self.fill(&values).ok()?;
        (rest.is_empty() && again.arguments == arguments).then_some(values)
    }

    fn unknown(&self, name: &str) -> Misfit {
        let known: Vec<&str> = self.slots().map(|slot| slot.name.as_str()).collect();
        let known = if known.is_empty() {
            "the template has no slots".to_owned()
        } else {
            format!("the template has: {}", known.join(", "))
        };
        Misfit {
            slot: name.to_owned(),
            code: "unknown-slot",
            message: format!("no such slot; {known}"),
        }
    }
}

impl Filled {
    fn add_place(&mut self, text: String, byte: usize) {
        self.places.push(PlaceAt {
            argument: self.arguments.len(),
            byte,
        });
        self.arguments.push(text);
    }

    fn add(&mut self, prefix: &str, slot: &Slot, values: &[String]) {
        for value in values {
            let text = format!("{prefix}{value}");
            if slot.kind == SlotType::Scratch {
                self.add_place(text, prefix.len());
            } else {
                self.arguments.push(text);
            }
        }
    }
}

/// A slot value that does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) slot: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Slot {
    fn fill(&self, value: Option<&SlotValue>) -> Result<Vec<String>, Misfit> {
        let misfit = |code, message: String| Misfit {
            slot: self.name.as_str().to_owned(),
            code,
            message,
        };
        let check = |value: &str| {
            self.kind
                .check(value)
                .map_err(|error| misfit(error.code(), error.to_string()))
        };
        match (&self.arity, value) {
            (Arity::One, None) => Err(misfit(
                "missing",
                format!("fill the slot with a value of {}", self.kind),
            )),
            (Arity::Default(value), None) => Ok(vec![check(value)?]),
            (Arity::Optional | Arity::Repeated, None) => Ok(Vec::new()),
            (Arity::One | Arity::Default(_) | Arity::Optional, Some(SlotValue::One(value))) => {
                Ok(vec![check(value)?])
            }
            (Arity::One | Arity::Default(_) | Arity::Optional, Some(SlotValue::Many(_))) => {
                Err(misfit(
                    "wrong-arity",
                    "the slot takes one value, not a list".to_owned(),
                ))
            }
            (Arity::Repeated, Some(SlotValue::One(_))) => Err(misfit(
                "wrong-arity",
                "the slot takes a list of values".to_owned(),
            )),
            (Arity::Repeated, Some(SlotValue::Many(values))) => {
                if values.len() > MAX_REPEATED {
                    let count = values.len();
                    let message = format!("{count} values; the slot takes at most {MAX_REPEATED}");
                    return Err(misfit("too-many", message));
                }
                values.iter().map(|value| check(value)).collect()
            }
        }
    }
}

fn parse_element(text: &str) -> Result<Element, TemplateError> {
    let syntax = || TemplateError::Syntax(excerpt(text));
    if text.len() > MAX_ARGUMENT_BYTES || text.contains('\0') {
        return Err(TemplateError::Unfit);
    }
    let mut literal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else if let Some(after) = from.strip_prefix(PLACE) {
            if !scratch::may_follow(&literal) || !scratch::follows_place(after) {
                return Err(syntax());
            }
            let byte = literal.len();
            let text = format!("{literal}{PLACE}{after}");
            return Ok(Element::Place { text, byte });
        } else {
            let inner = from
                .strip_prefix('{')
                .and_then(|from| from.strip_suffix('}'));
            let inner = inner
                .filter(|inner| !inner.contains(['{', '}']))
                .ok_or_else(syntax)?;
            let (name, kind) = inner.split_once(':').ok_or_else(syntax)?;
            let slot = parse_slot(name, kind)?;
            return Ok(Element::Slot {
                prefix: literal,
                slot,
            });
        }
    }
    literal.push_str(rest);
    Ok(Element::Literal(literal))
}

fn parse_slot(name: &str, kind: &str) -> Result<Slot, TemplateError> {
    let name: SlotName = name.parse()?;
    let (kind, arity) = if let Some(kind) = kind.strip_suffix('?') {
        (kind, Arity::Optional)
    } else if let Some(kind) = kind.strip_suffix('*') {
        (kind, Arity::Repeated)
    } else if let Some((kind, value)) = kind.split_once('=') {
        (kind, Arity::Default(value.to_owned()))
    } else {
        (kind, Arity::One)
    };
    let kind: SlotType = kind.parse()?;
    if let Arity::Default(value) = &arity {
        kind.check(value)
            .map_err(|error| TemplateError::Default(name.clone(), error))?;
    }
    Ok(Slot { name, kind, arity })
}

/// Whether an element may stand where it stands.
fn check_place(
    element: &Element,
    before: &[Element],
    options_ended: bool,
    last: bool,
) -> Result<(), TemplateError> {
    let Element::Slot { prefix, slot } = element else {
        return Ok(());
    };
    let name = || slot.name.clone();
    let same = |other: &Element| matches!(other, Element::Slot { slot: other, .. } if other.name == slot.name);
    if before.iter().any(same) {
        return Err(TemplateError::Duplicate(name()));
    }
    if slot.arity == Arity::Repeated && !last {
        return Err(TemplateError::RepeatedNotLast(name()));
    }
    if !prefix.is_empty() && !slot.kind.may_follow(prefix) {
        return Err(TemplateError::Prefix(name(), slot.kind.to_string()));
    }
    if prefix.is_empty() && !options_ended && slot.kind.can_begin_with_dash() {
        return Err(TemplateError::OptionLike(name()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
