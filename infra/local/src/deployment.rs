//! What `template.yaml` makes of this machine: its functions, each with its own identity, environment and policy.

use std::collections::{BTreeMap, HashMap};

use functions::registry::{ROUTES, TASKS};
use shared::config::Config;
use shared::policy::Profile;

use crate::iam::{FunctionDef, Names, Template};
use crate::kms::{ACCOUNT, ALIASES, Kms, REGION};
use crate::secrets::Secrets;

/// The template that is deployed to AWS, too.
pub(crate) const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The tables, by what they are in the template.
pub(crate) const TABLES: [(&str, &str); 4] = [
    ("CoreTable", "trackwell-core"),
    ("ControlTable", "trackwell-control"),
    ("KeysTable", "trackwell-keys"),
    ("EphemeralTable", "trackwell-ephemeral"),
];

/// The bucket of customers' files.
pub(crate) const FILES_BUCKET: &str = "trackwell-files";

/// The bucket of the ledger.
pub const LEDGER_BUCKET: &str = "trackwell-ledger";

/// Where mail comes from.
const MAIL_FROM: &str = "no-reply@trackwell.test";

/// What mail is sent with.
const MAIL_CONFIGURATION_SET: &str = "trackwell-mail";

/// A function as it is deployed here.
pub(crate) struct Function {
    /// Its name in the registry.
    pub(crate) name: &'static str,
    pub(crate) definition: FunctionDef,
    pub(crate) environment: HashMap<String, String>,
    secret_key: String,
}

/// The functions.
pub(crate) struct Deployment {
    functions: BTreeMap<&'static str, Function>,
    by_access_key: HashMap<String, &'static str>,
    operator: (String, String),
}

/// Who calls AWS.
pub(crate) enum Caller<'a> {
    /// A function, under its own policy.
    Function(&'a Function),
    /// Whoever runs this machine; there is no policy for them.
    Operator,
}

impl Deployment {
    /// Reads the template for one operator's stack.
    pub(crate) fn new(
        profile: Profile,
        (origin, endpoint): (&str, &str),
        secrets: &Secrets,
        kms: &Kms,
    ) -> Result<Self, Vec<String>> {
        let arn = |alias: &str| kms.key_arn(alias).unwrap_or_default();
        let template = Template::parse(TEMPLATE, &parameters(profile, origin, secrets, &arn))?;
        let mut functions = BTreeMap::new();
        let mut by_access_key = HashMap::new();
        let mut errors = Vec::new();
        let names = ROUTES
            .iter()
            .map(|route| route.name)
            .chain(TASKS.iter().map(|task| task.name));
        for name in names {
            let id = logical_id(name);
            let Some(definition) = template.function(&id) else {
                errors.push(format!(
                    "{id}: there is no such function, and the registry has {name}"
                ));
                continue;
            };
            let (access_key, secret_key) = secrets.identity(&id);
            let environment = environment(definition, endpoint, &access_key, &secret_key);
            if let Err(error) = Config::from(&|variable| environment.get(variable).cloned()) {
                errors.push(format!("{id}: {error}"));
            }
            by_access_key.insert(access_key, name);
            functions.insert(
                name,
                Function {
                    name,
                    definition: definition.clone(),
                    environment,
                    secret_key,
                },
            );
        }
        if errors.is_empty() {
            Ok(Self {
                functions,
                by_access_key,
                operator: secrets.identity("operator"),
            })
        } else {
            Err(errors)
        }
    }

    /// The function of a name in the registry.
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// Who has an access key.
    pub(crate) fn caller(&self, access_key: &str) -> Option<Caller<'_>> {
        if access_key == self.operator.0 {
            return Some(Caller::Operator);
        }
        self.by_access_key
            .get(access_key)
            .and_then(|name| self.function(name))
            .map(Caller::Function)
    }

    /// The secret key that belongs to an access key.
    pub(crate) fn secret_key(&self, access_key: &str) -> Option<&str> {
        match self.caller(access_key)? {
            Caller::Function(function) => Some(&function.secret_key),
            Caller::Operator => Some(&self.operator.1),
        }
    }

    /// The access key and secret key of whoever runs this machine.
    pub(crate) fn operator(&self) -> (&str, &str) {
        (&self.operator.0, &self.operator.1)
    }
}

/// The logical id of a function: `records-create` is `RecordsCreateFunction`.
pub(crate) fn logical_id(name: &str) -> String {
    let mut id = String::with_capacity(name.len() + 8);
    for word in name.split('-') {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id + "Function"
}

/// The template as it is in every stack: what functions used is held against its policies.
///
/// # Errors
/// What is wrong with the template.
pub async fn general_template() -> Result<Template, Vec<String>> {
    let kms = Kms::in_memory().map_err(|error| vec![error.to_string()])?;
    let profile = Profile::Trackado;
    let secrets = Secrets::open(None, profile, &kms).await;
    let secrets = secrets.map_err(|error| vec![error.to_string()])?;
    let arn = |alias: &str| key_arn(alias.trim_start_matches("alias/"));
    Template::parse(
        TEMPLATE,
        &parameters(profile, "https://api.example.com", &secrets, &arn),
    )
}

fn parameters(
    profile: Profile,
    origin: &str,
    secrets: &Secrets,
    arn: &dyn Fn(&str) -> String,
) -> HashMap<String, String> {
    let fixed = [
        ("AWS::Region", REGION.to_owned()),
        ("AWS::AccountId", ACCOUNT.to_owned()),
        ("AWS::StackName", "trackwell-local".to_owned()),
        ("FilesBucket", FILES_BUCKET.to_owned()),
        ("LedgerBucket", LEDGER_BUCKET.to_owned()),
        ("Profile", profile.as_str().to_owned()),
        ("PublicOrigin", origin.to_owned()),
        ("MailFrom", MAIL_FROM.to_owned()),
        ("MailConfigurationSet", MAIL_CONFIGURATION_SET.to_owned()),
        ("DataKeyArn", arn("alias/trackwell-data")),
        ("TokenKeyArn", arn("alias/trackwell-tokens")),
        ("LedgerKeyArn", arn("alias/trackwell-ledger")),
        // What AWS encrypts disks with; nothing here calls for them.
        ("StorageKeyArn", storage_key()),
        ("LogsKeyArn", key_arn("logs")),
    ];
    let tables = TABLES.map(|(parameter, name)| (parameter, name.to_owned()));
    fixed
        .into_iter()
        .chain(tables)
        .chain(secrets.keys.parameters())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn key_arn(name: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}")
}

/// The key that AWS encrypts tables and the ledger's bucket with.
#[must_use]
pub fn storage_key() -> String {
    key_arn("storage")
}

/// The ARNs of the keys here, which are random, with the ones that they have in [`general_template`].
pub(crate) fn key_names(kms: &Kms) -> Names {
    let names = ALIASES.into_iter().filter_map(|alias| {
        let name = alias.strip_prefix("alias/")?;
        Some((kms.key_arn(alias)?, key_arn(name)))
    });
    Names::new(names)
}

/// The environment as Lambda sets it: what the template says, and who the function is.
fn environment(
    definition: &FunctionDef,
    endpoint: &str,
    access_key: &str,
    secret_key: &str,
) -> HashMap<String, String> {
    let lambda = [
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", secret_key),
    ];
    let mut environment: HashMap<String, String> = definition.environment.clone().into_iter().collect();
    environment.extend(lambda.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment
}

#[cfg(test)]
mod tests {
    use super::logical_id;

    #[test]
    fn logical_ids_follow_from_names() {
        assert_eq!(logical_id("records-create"), "RecordsCreateFunction");
        assert_eq!(logical_id("auth-verify-email"), "AuthVerifyEmailFunction");
    }
}
