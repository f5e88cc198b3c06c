//! A category of personal data: who answers for it, how long it stays, and what becomes of it on a decision.

use super::values::{Id, Phrase, Stated};
use super::words::{Class, HoldScope, LawfulBasis, LifecycleEvent, Role};
use crate::retention::{Period, Rule};

/// What happens to a category when a customer decides to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is erased at once (TRK-7).
    Erase,
    /// It is kept out of reach of normal routes until its floor, because a statute says so.
    Restrict {
        /// The statute, in words that the person concerned is told.
        reason: String,
    },
    /// Nothing changes; its retention goes on.
    Keep,
}

/// A category of personal data.
#[derive(Debug, Clone)]
pub struct Category {
    pub(super) id: Id,
    pub(super) title: Phrase,
    pub(super) description: Phrase,
    pub(super) subjects: Vec<Phrase>,
    pub(super) role: Role,
    pub(super) classes: Vec<Class>,
    pub(super) purposes: Vec<Id>,
    pub(super) bases: Vec<LawfulBasis>,
    pub(super) holds: HoldScope,
    pub(super) rule: Rule,
    pub(super) not_before: Option<Stated<Period>>,
    pub(super) not_after: Option<Stated<Period>>,
    pub(super) reason: Phrase,
    pub(super) item_floors: Vec<ItemFloor>,
    /// In the order of [`LifecycleEvent::ALL`].
    pub(super) fates: [Fate; LifecycleEvent::ALL.len()],
}

impl Category {
    /// Its id.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Its name, for people.
    pub fn title(&self) -> &str {
        self.title.as_str()
    }

    /// What is in it, for people.
    pub fn description(&self) -> &str {
        self.description.as_str()
    }

    /// Whose data it is.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().map(Phrase::as_str)
    }

    /// The operator's role (ITT-1, OCK-7).
    pub fn role(&self) -> Role {
        self.role
    }

    /// The classes that it covers.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The ids of its purposes.
    pub fn purposes(&self) -> impl Iterator<Item = &str> {
        self.purposes.iter().map(Id::as_str)
    }

    /// Its lawful bases (CTK-4).
    pub fn lawful_bases(&self) -> &[LawfulBasis] {
        &self.bases
    }

    /// What one hold on it covers (CTK-6).
    pub fn hold_scope(&self) -> HoldScope {
        self.holds
    }

    /// How long it is kept.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The floor with its origin.
    pub fn not_before(&self) -> Option<&Stated<Period>> {
        self.not_before.as_ref()
    }

    /// The ceiling with its origin.
    pub fn not_after(&self) -> Option<&Stated<Period>> {
        self.not_after.as_ref()
    }

    /// Why it is kept that long, for people.
    pub fn retention_reason(&self) -> &str {
        self.reason.as_str()
    }

    /// Items inside the category that a statute keeps longer than the rest (CTK-6).
    pub fn item_floors(&self) -> &[ItemFloor] {
        &self.item_floors
    }

    /// What happens to it on a customer's decision.
    pub fn on(&self, event: LifecycleEvent) -> Fate {
        self.fates[event as usize].clone()
    }
}

/// A statutory floor under single items of a category: those stay restricted when the rest goes (CTK-6).
#[derive(Debug, Clone)]
pub struct ItemFloor {
    pub(super) id: Id,
    pub(super) rule: Rule,
    pub(super) floor: Stated<Period>,
    pub(super) reason: Phrase,
}

impl ItemFloor {
    /// The id that such an item carries.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// A rule that has a floor and no ceiling.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The floor with its origin.
    pub fn not_before(&self) -> &Stated<Period> {
        &self.floor
    }

    /// The statute, in words that the person concerned is told.
    pub fn reason(&self) -> &str {
        self.reason.as_str()
    }
}
