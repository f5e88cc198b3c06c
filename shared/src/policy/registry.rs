//! The check of the registry of stored types against a manifest.

use super::model::Policy;
use super::words::{Class, Role};

/// Checks that the policy has an answer for every stored type: its class is in a category, and where the operator is
/// only the processor of that category, the type does not claim that the operator decides over it (ITT-1, OCK-7).
///
/// The opposite is no fault: the registry is one for all operators, and a type that is handled on a customer's
/// instruction elsewhere may belong to the operator's own users here (TRK-17).
///
/// # Errors
///
/// One sentence per stored type that does not fit.
pub fn check_registry(
    policy: &Policy,
    registry: impl Iterator<Item = (&'static str, Class, Role)>,
) -> Result<(), Vec<String>> {
    let wrong: Vec<String> = registry
        .filter_map(|(name, class, role)| misfit(policy, name, class, role))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn misfit(policy: &Policy, name: &str, class: Class, role: Role) -> Option<String> {
    let Some(category) = policy
        .categories()
        .iter()
        .find(|category| category.classes().contains(&class))
    else {
        return Some(format!(
            "stored type `{name}` has class `{class}`, which no category covers"
        ));
    };
    let clash = category.role() == Role::Processor && role == Role::Controller;
    clash.then(|| {
        let category = category.id();
        format!("stored type `{name}` declares role controller, and category `{category}` is processor only")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Profile;

    #[test]
    fn a_stored_type_of_every_class_fits_every_policy_in_its_customers_name() {
        for profile in Profile::ALL {
            let all = Class::ALL.map(|class| (class.as_str(), class, Role::Processor));
            assert_eq!(check_registry(&profile.policy(), all.into_iter()), Ok(()));
        }
    }

    #[test]
    fn a_stored_type_that_claims_customer_content_as_the_operators_own_is_refused() {
        let types = [
            ("record", Class::Content, Role::Controller),
            ("user", Class::Account, Role::Controller),
        ];
        let wrong = check_registry(&Profile::Ocktra.policy(), types.into_iter()).unwrap_err();
        let message =
            "stored type `record` declares role controller, and category `content` is processor only";
        assert_eq!(wrong, [message]);
        assert_eq!(
            check_registry(&Profile::Trackr.policy(), types.into_iter()),
            Ok(())
        );
    }

    #[test]
    fn a_stored_type_whose_class_no_category_covers_is_refused() {
        let mut policy = Profile::Trackado.policy();
        policy
            .categories
            .retain(|category| !category.classes().contains(&Class::Billing));
        let wrong = check_registry(
            &policy,
            [("invoice", Class::Billing, Role::Controller)].into_iter(),
        );
        assert_eq!(
            wrong.unwrap_err(),
            ["stored type `invoice` has class `billing`, which no category covers"]
        );
    }
}
