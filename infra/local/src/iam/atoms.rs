//! A policy taken apart into the smallest things that it grants.

use super::policy::{Effect, Policy, Statement};

/// One action on one resource, for one value of a condition when there is one. A policy without it grants less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom {
    /// The action, or the pattern of some.
    pub action: String,
    /// The resource, or the pattern of some.
    pub resource: String,
    /// The value of the condition, such as the pattern of a leading key.
    pub value: Option<String>,
    /// The statement among the split ones, and the condition and the value in it.
    place: (usize, Option<(usize, usize)>),
}

impl Policy {
    /// The same policy with one action and one resource in each statement that allows.
    #[must_use]
    pub fn split(&self) -> Self {
        let mut statements = Vec::new();
        for statement in &self.statements {
            if statement.effect == Effect::Deny {
                statements.push(statement.clone());
                continue;
            }
            for action in &statement.actions {
                let one = |resource: &String| Statement {
                    actions: vec![action.clone()],
                    resources: vec![resource.clone()],
                    ..statement.clone()
                };
                statements.extend(statement.resources.iter().map(one));
            }
        }
        Self { statements }
    }

    /// Everything that a [split](Self::split) policy grants, atom by atom.
    #[must_use]
    pub fn atoms(&self) -> Vec<Atom> {
        let mut atoms = Vec::new();
        for (number, statement) in self.statements.iter().enumerate() {
            if statement.effect == Effect::Deny {
                continue;
            }
            let atom = |value: Option<&String>, place| Atom {
                action: statement.actions.join(" "),
                resource: statement.resources.join(" "),
                value: value.cloned(),
                place: (number, place),
            };
            if statement.conditions.is_empty() {
                atoms.push(atom(None, None));
            }
            for (condition, conditions) in statement.conditions.iter().enumerate() {
                let values = conditions.values().iter().enumerate();
                atoms.extend(values.map(|(number, value)| atom(Some(value), Some((condition, number)))));
            }
        }
        atoms
    }

    /// The split policy without some of its atoms.
    #[must_use]
    pub fn without(&self, atoms: &[&Atom]) -> Self {
        let mut less = self.clone();
        let mut places: Vec<_> = atoms.iter().map(|atom| atom.place).collect();
        // From the last to the first, so that what is left to remove stays where it was.
        places.sort_unstable();
        for (statement, place) in places.into_iter().rev() {
            let conditions = &mut less.statements[statement].conditions;
            let left = place.and_then(|(condition, value)| {
                let left = conditions.get(condition)?.without(value)?;
                Some((condition, left))
            });
            match left {
                Some((condition, left)) => conditions[condition] = left,
                // Without its last value the statement allows nothing.
                None => less.statements[statement].actions.clear(),
            }
        }
        less
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::iam::AwsCall;

    fn policy() -> Policy {
        let table = |name: &str| format!("arn:aws:dynamodb:eu-west-2:0:table/{name}");
        let document = json!({ "Statement": [
            {
                "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": table("core"),
                "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["ORG#*", "USER#*"] } },
            },
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"] },
        ] });
        Policy::parse(&document).unwrap().split()
    }

    #[test]
    fn each_action_resource_and_value_is_an_atom() {
        let policy = policy();
        let found: Vec<_> = policy
            .atoms()
            .iter()
            .map(|atom| {
                let resource = atom.resource.rsplit(':').next().unwrap();
                format!(
                    "{} {resource} {}",
                    atom.action,
                    atom.value.as_deref().unwrap_or("-")
                )
            })
            .collect();
        let expected = [
            "dynamodb:GetItem table/core ORG#*",
            "dynamodb:GetItem table/core USER#*",
            "dynamodb:PutItem table/core ORG#*",
            "dynamodb:PutItem table/core USER#*",
            "s3:GetObject a/* -",
            "s3:GetObject b/* -",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_policy_without_an_atom_refuses_what_only_that_allowed_and_nothing_else() {
        let policy = policy();
        let put = |key: &str| AwsCall {
            leading_keys: vec![key.to_owned()],
            ..AwsCall::new("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-2:0:table/core")
        };
        let get = AwsCall::new("s3:GetObject", "arn:aws:s3:::b/1");
        let calls = [put("ORG#1"), put("USER#1"), get];
        let allowed = |policy: &Policy| calls.each_ref().map(|call| policy.authorize("A", call).is_ok());
        let atoms = policy.atoms();
        assert_eq!(allowed(&policy), [true, true, true]);
        assert_eq!(allowed(&policy.without(&[&atoms[2]])), [false, true, true]);
        assert_eq!(allowed(&policy.without(&[&atoms[5]])), [true, true, false]);
        assert_eq!(
            allowed(&policy.without(&[&atoms[2], &atoms[3], &atoms[4]])),
            [false, false, true]
        );
    }
}
