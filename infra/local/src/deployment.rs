//! What `template.yaml` makes of this machine: its functions, each with its own identity, environment and policy.

use std::collections::{BTreeMap, HashMap};

use functions::registry::{ROUTES, TASKS};
use shared::config::Config;
use shared::policy::Profile;

use crate::account::{Account, embedded_bucket};
use crate::iam::{FunctionDef, Names, Template, learns};
use crate::kms::{ACCOUNT, ALIASES, Kms, REGION};
use crate::secrets::{Identity, Secrets};

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
pub(crate) const FILES_BUCKET: &str = "files";

/// The bucket of the ledger.
pub(crate) const LEDGER_BUCKET: &str = "ledger";

/// Where mail comes from.
const MAIL_FROM: &str = "no-reply@trackwell.test";

/// What mail is sent with.
const MAIL_CONFIGURATION_SET: &str = "trackwell-mail";

/// The domain that mail comes from: the one verified identity.
pub(crate) fn mail_domain() -> &'static str {
    MAIL_FROM.rsplit('@').next().unwrap_or_default()
}

/// A function as it is deployed here.
pub(crate) struct Function {
    /// Its name in the registry.
    pub(crate) name: &'static str,
    pub(crate) definition: FunctionDef,
    pub(crate) environment: HashMap<String, String>,
    identity: Identity,
}

/// What stands in for the world outside of the functions.
pub(crate) struct Outside {
    /// The origin of AWS.
    pub(crate) aws: String,
    /// The address of the name server.
    pub(crate) name_server: String,
}

/// The functions.
pub(crate) struct Deployment {
    functions: BTreeMap<&'static str, Function>,
    by_access_key: HashMap<String, &'static str>,
    operator: Identity,
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
        (origin, outside): (&str, &Outside),
        secrets: &Secrets,
        account: &Account,
    ) -> Result<Self, Vec<String>> {
        let arn = |alias: &str| account.key_arn(alias).unwrap_or_default();
        let parameters = parameters(profile, origin, secrets, account, &arn);
        let template = Template::parse(TEMPLATE, &parameters)?;
        let mut functions = BTreeMap::new();
        let mut by_access_key = HashMap::new();
        let mut errors = Vec::new();
        for name in names() {
            let id = logical_id(name);
            let Some(definition) = defined(&template, &id, &parameters) else {
                errors.push(format!(
                    "{id}: there is no such function, and the registry has {name}"
                ));
                continue;
            };
            let identity = account.identity(&id, secrets);
            let environment = environment(&definition, outside, &identity);
            if let Err(error) = Config::from(&|variable| environment.get(variable).cloned()) {
                errors.push(format!("{id}: {error}"));
            }
            by_access_key.insert(identity.access_key.clone(), name);
            functions.insert(
                name,
                Function {
                    name,
                    definition,
                    environment,
                    identity,
                },
            );
        }
        if errors.is_empty() {
            Ok(Self {
                functions,
                by_access_key,
                operator: account.identity("operator", secrets),
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
        if access_key == self.operator.access_key {
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
            Caller::Function(function) => Some(&function.identity.secret_key),
            Caller::Operator => Some(&self.operator.secret_key),
        }
    }

    /// Whoever runs this machine.
    pub(crate) fn operator(&self) -> &Identity {
        &self.operator
    }
}

/// The function of a logical id. Where functions are learnt about, each has every variable, and one that the template
/// lacks may do nothing.
fn defined(template: &Template, id: &str, parameters: &HashMap<String, String>) -> Option<FunctionDef> {
    let definition = template.function(id).cloned();
    if !learns() {
        return definition;
    }
    let mut definition = definition.unwrap_or_else(|| template.blank(id));
    for (name, value) in parameters.iter().filter(|(name, _)| !name.contains(':')) {
        definition
            .environment
            .entry(variable(name))
            .or_insert_with(|| value.clone());
    }
    Some(definition)
}

/// The variable that passes a parameter on: `MailFrom` is `MAIL_FROM`.
fn variable(parameter: &str) -> String {
    let mut name = String::with_capacity(parameter.len() + 4);
    for letter in parameter.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let routes = ROUTES.iter().map(|route| route.name);
    routes.chain(TASKS.iter().map(|task| task.name))
}

/// The logical id of a function: `records-create` is `RecordsCreateFunction`.
#[must_use]
pub fn logical_id(name: &str) -> String {
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
    Template::parse(TEMPLATE, &general_parameters().await?)
}

/// What the parameters stand for in [`general_template`], by their names.
///
/// # Errors
/// What cannot be made.
pub async fn general_parameters() -> Result<HashMap<String, String>, Vec<String>> {
    let kms = Kms::in_memory().map_err(|error| vec![error.to_string()])?;
    let account = Account::Embedded(kms);
    let profile = Profile::Trackado;
    let secrets = Secrets::open(None, profile, &account).await;
    let secrets = secrets.map_err(|error| vec![error.to_string()])?;
    let arn = |alias: &str| key_arn(alias.trim_start_matches("alias/"));
    let origin = "https://api.example.com";
    Ok(parameters(profile, origin, &secrets, &account, &arn))
}

fn parameters(
    profile: Profile,
    origin: &str,
    secrets: &Secrets,
    account: &Account,
    arn: &dyn Fn(&str) -> String,
) -> HashMap<String, String> {
    let id = account.id();
    let fixed = [
        ("AWS::Region", REGION.to_owned()),
        ("AWS::AccountId", id.to_owned()),
        ("AWS::StackName", "trackwell-local".to_owned()),
        ("FilesBucket", account.bucket(FILES_BUCKET)),
        ("LedgerBucket", account.bucket(LEDGER_BUCKET)),
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

/// The bucket of the ledger in [`general_template`].
#[must_use]
pub fn ledger_bucket() -> String {
    embedded_bucket(LEDGER_BUCKET)
}

/// The key that AWS encrypts tables and the ledger's bucket with.
#[must_use]
pub fn storage_key() -> String {
    key_arn("storage")
}

/// The ARNs of the keys here, which are random, with the ones that they have in [`general_template`].
pub(crate) fn key_names(account: &Account) -> Names {
    let names = ALIASES.into_iter().filter_map(|alias| {
        let name = alias.strip_prefix("alias/")?;
        Some((account.key_arn(alias)?, key_arn(name)))
    });
    Names::new(names)
}

/// The environment as Lambda sets it: what the template says, and who the function is; with what stands in for the outside.
fn environment(definition: &FunctionDef, outside: &Outside, identity: &Identity) -> HashMap<String, String> {
    let lambda = [
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL", outside.aws.as_str()),
        ("DNS_SERVER", outside.name_server.as_str()),
        // Providers and receivers that are tried out run on the same machine.
        ("EGRESS_LOOPBACK", "allow"),
        ("AWS_ACCESS_KEY_ID", &identity.access_key),
        ("AWS_SECRET_ACCESS_KEY", &identity.secret_key),
    ];
    let session = identity
        .session_token
        .iter()
        .map(|token| ("AWS_SESSION_TOKEN", token.as_str()));
    let mut environment: HashMap<String, String> = definition.environment.clone().into_iter().collect();
    environment.extend(
        lambda
            .into_iter()
            .chain(session)
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    environment
}

#[cfg(test)]
mod tests {
    use super::{logical_id, variable};

    #[test]
    fn variables_follow_from_parameters() {
        assert_eq!(variable("MailFrom"), "MAIL_FROM");
        assert_eq!(
            variable("TokenSigningKeyCiphertext"),
            "TOKEN_SIGNING_KEY_CIPHERTEXT"
        );
    }

    #[test]
    fn logical_ids_follow_from_names() {
        assert_eq!(logical_id("records-create"), "RecordsCreateFunction");
        assert_eq!(logical_id("auth-verify-email"), "AuthVerifyEmailFunction");
    }
}
