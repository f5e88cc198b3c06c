//! `grants --propose`: the exact policies from what was recorded, printed or written into `template.yaml`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use functions::registry::{ROUTES, TASKS};
use local::iam::{AwsCall, Template};
use local::output::{complain, say};
use local::{general_parameters, logical_id};
use tempfile::TempDir;

use super::exceptions::EXCEPTIONS;
use super::judge::{Finding, Policies, Uses, findings};
use super::propose::{Names, Proposal, proposal};
use super::surgery::{Text, document};
use super::{block, policies_of, record, recorded_uses};
use crate::{Result, build};

/// What to propose.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The functions' names in the registry; without any, all that lack a block or whose policy is not exact.
    names: Vec<String>,
    /// Where usage is recorded already.
    usage: Vec<PathBuf>,
    /// Whether to change `template.yaml`.
    write: bool,
}

impl Wish {
    /// Reads what stands behind `--propose`.
    ///
    /// # Errors
    /// Says what is not understood.
    pub(crate) fn parse(words: &[&str]) -> Result<Self> {
        let mut wish = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--write" => wish.write = true,
                "--usage" => wish
                    .usage
                    .push(words.next().ok_or("--usage takes a directory")?.into()),
                option if option.starts_with('-') => {
                    return Err(format!("{option} is not an option of --propose"));
                }
                name => wish.names.push(name.to_owned()),
            }
        }
        match wish
            .names
            .iter()
            .find(|name| !registered().any(|known| known == *name))
        {
            Some(name) => Err(format!("the registry has no {name}")),
            None => Ok(wish),
        }
    }
}

/// The names of routes and tasks, in the order of the registry.
fn registered() -> impl Iterator<Item = &'static str> {
    ROUTES
        .iter()
        .map(|route| route.name)
        .chain(TASKS.iter().map(|task| task.name))
}

/// Proposes policies, and writes them if it is wished.
///
/// # Errors
/// When the tests or the template cannot be read, or a policy has to be written by hand.
pub(crate) async fn run(wish: &Wish) -> Result<bool> {
    let mut uses = Uses::new();
    let fresh = if wish.usage.is_empty() {
        Some(record(true)?)
    } else {
        None
    };
    for directory in wish
        .usage
        .iter()
        .map(PathBuf::as_path)
        .chain(fresh.iter().map(TempDir::path))
    {
        for (function, used) in recorded_uses(directory)? {
            uses.entry(function).or_default().extend(used);
        }
    }
    let parameters = general_parameters().await.map_err(|errors| errors.join("\n"))?;
    let names = Names::new(&parameters);
    let path = Path::new(build::ROOT).join("template.yaml");
    let old = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let judged = |text: &str| -> Result<(Vec<Finding>, Policies)> {
        let template = Template::parse(text, &parameters).map_err(|errors| errors.join("\n"))?;
        let policies = policies_of(&template);
        Ok((findings(&policies, &uses, EXCEPTIONS), policies))
    };
    let (wrong, policies) = judged(&old)?;
    let wanted = |name: &&str| {
        let id = logical_id(name);
        let is_exact = policies.contains_key(&id) && !wrong.iter().any(|finding| finding.function == id);
        wish.names.iter().any(|wished| wished == name) || wish.names.is_empty() && !is_exact
    };
    let wanted: Vec<&str> = registered().filter(wanted).collect();
    let mut text = Text::new(&old);
    for name in &wanted {
        let proposal = of_function(name, &uses, &names)?;
        if wish.write {
            put(&mut text, name, &proposal)?;
        } else {
            show(&text, name, &proposal);
        }
    }
    if !wish.write {
        return Ok(true);
    }
    let new = text.text();
    let (left, _) = judged(&new)?;
    std::fs::write(&path, new).map_err(|error| format!("{}: {error}", path.display()))?;
    let left: Vec<_> = left
        .iter()
        .filter(|finding| wanted.iter().any(|name| logical_id(name) == finding.function))
        .collect();
    left.iter().for_each(|finding| complain(&finding.to_string()));
    say(&format!(
        "{} policies written, {} findings left in them",
        wanted.len(),
        left.len()
    ));
    Ok(left.is_empty())
}

fn of_function(name: &str, uses: &Uses, names: &Names) -> Result<Proposal> {
    let id = logical_id(name);
    let nothing = BTreeSet::new();
    let everybody: BTreeSet<AwsCall> = uses.values().flatten().cloned().collect();
    let used = uses.get(&id).unwrap_or(&nothing);
    if used.is_empty() {
        complain(&format!("{name}: nothing was recorded, so it gets no right"));
    }
    proposal(used, &everybody, names).map_err(|error| format!("{name}: {error}"))
}

/// The lines of a function that the template lacks.
fn whole(name: &str, proposal: &Proposal) -> Vec<String> {
    let route = functions::registry::route(name).map(|route| block::of_route(route, proposal));
    let task = || functions::registry::task(name).map(|task| block::of_task(task, proposal));
    route.or_else(task).unwrap_or_default()
}

fn show(text: &Text, name: &str, proposal: &Proposal) {
    let id = logical_id(name);
    if !text.has(&id) {
        return say(&whole(name, proposal).join("\n"));
    }
    let variables = proposal
        .variables
        .iter()
        .map(|(variable, _)| format!("      # with {variable}"));
    let lines: Vec<_> = [format!("  {id}:")]
        .into_iter()
        .chain(variables)
        .chain(document(&proposal.policies))
        .collect();
    say(&lines.join("\n"));
}

fn put(text: &mut Text, name: &str, proposal: &Proposal) -> Result<()> {
    let id = logical_id(name);
    if text.has(&id) {
        text.add_variables(&id, &proposal.variables)?;
        return text.set_policies(&id, &proposal.policies);
    }
    let (before, or_before) = match functions::registry::route(name) {
        Some(_) => (
            nearest(text, ROUTES.iter().map(|route| route.name), name),
            "  # Every method and path that is not",
        ),
        None => (
            nearest(text, TASKS.iter().map(|task| task.name), name),
            "Outputs:",
        ),
    };
    text.insert(whole(name, proposal), before.as_deref(), or_before)?;
    if let Some(route) = functions::registry::route(name)
        && let Some(line) = block::settings(route)
        && !text.contains(&format!("        {}:", block::route_key(route)))
    {
        text.extend("      RouteSettings:", vec![line])?;
    }
    if let Some(lines) = functions::registry::task(name).and_then(block::output) {
        text.extend("Outputs:", lines)?;
    }
    Ok(())
}

/// The function before `name` in the registry that the template has. What answers everything else stays last.
fn nearest(text: &Text, names: impl Iterator<Item = &'static str>, name: &str) -> Option<String> {
    let before = names
        .take_while(|known| *known != name)
        .filter(|known| *known != "fallback-answer");
    before.map(logical_id).filter(|id| text.has(id)).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_names_functions_of_the_registry() {
        let wish = Wish::parse(&["me-get", "--usage", "there", "--write"]).unwrap();
        let expected = Wish {
            names: vec!["me-get".to_owned()],
            usage: vec!["there".into()],
            write: true,
        };
        assert_eq!(wish, expected);
        assert_eq!(
            Wish::parse(&["me-forget"]).unwrap_err(),
            "the registry has no me-forget"
        );
        assert_eq!(
            Wish::parse(&["--usage"]).unwrap_err(),
            "--usage takes a directory"
        );
        assert!(Wish::parse(&["--wirte"]).is_err());
    }
}
