//! One name in four places, and one list of routes.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use functions::registry::{ROUTES, TASKS};
use local::iam::Event;
use serde_json::{Value, json};
use shared::activity::model::ActivityKind;
use shared::auth::Action;
use shared::records::fields::AssetStatus;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn names() -> Vec<&'static str> {
    ROUTES
        .iter()
        .map(|route| route.name)
        .chain(TASKS.iter().map(|task| task.name))
        .collect()
}

fn logical_id(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(word).collect::<String>() + "Function"
}

fn template() -> Value {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).unwrap();
    untagged(yaml)
}

/// YAML without CloudFormation's tags, which do not matter here.
fn untagged(yaml: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match yaml {
        Yaml::Tagged(tagged) => untagged(tagged.value),
        Yaml::Sequence(values) => values.into_iter().map(untagged).collect(),
        Yaml::Mapping(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(k, v)| (k.as_str().unwrap_or("?").to_owned(), untagged(v)))
                .collect(),
        ),
        other => serde_json::to_value(other).unwrap(),
    }
}

#[test]
fn every_function_has_its_name_in_file_binary_and_template() {
    let template = template();
    for name in names() {
        let (area, verb) = name.split_once('-').unwrap();
        let file = root().join(format!("functions/src/{area}/{}.rs", verb.replace('-', "_")));
        assert!(file.is_file(), "{name}: no {}", file.display());
        let binary = root().join(format!("functions/src/bin/{name}.rs"));
        let text =
            std::fs::read_to_string(&binary).unwrap_or_else(|_| panic!("{name}: no {}", binary.display()));
        let id = name.replace('-', "_").to_uppercase();
        assert!(
            text.contains(&format!("(&functions::registry::{id})")),
            "{name}: its binary serves something else"
        );
        assert!(
            template["Resources"][logical_id(name)].is_object(),
            "{name}: no {}",
            logical_id(name)
        );
    }
}

#[test]
fn nothing_else_is_a_binary_or_a_function() {
    let known: BTreeSet<_> = names().into_iter().map(|name| format!("{name}.rs")).collect();
    let binaries: BTreeSet<_> = std::fs::read_dir(root().join("functions/src/bin"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(binaries, known);
    let ids: BTreeSet<_> = names().into_iter().map(logical_id).collect();
    let template = template();
    let functions: BTreeSet<_> = template["Resources"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(id, _)| id.clone())
        .collect();
    assert_eq!(functions, ids);
}

#[test]
fn the_template_has_every_route_and_schedule_of_the_registry() {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    // What parameters are does not matter here, only that they are known.
    let written = template();
    let mut parameters: HashMap<_, _> = written["Parameters"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| {
            let value = if name == "MailFrom" {
                "mail@example.test"
            } else {
                "arn:aws:kms:eu-west-1:000000000000:key/x"
            };
            (name.clone(), value.to_owned())
        })
        .collect();
    for pseudo in ["AWS::Region", "AWS::AccountId"] {
        parameters.insert(pseudo.to_owned(), "x".to_owned());
    }
    let template =
        local::iam::Template::parse(&text, &parameters).unwrap_or_else(|errors| panic!("{errors:?}"));
    for route in ROUTES {
        let function = template.function(&logical_id(route.name)).unwrap();
        let expected = if route.method == "ANY" {
            Event::HttpApi {
                method: "ANY".into(),
                path: "$default".into(),
            }
        } else {
            Event::HttpApi {
                method: route.method.into(),
                path: route.path.into(),
            }
        };
        assert_eq!(function.events, [expected], "{}", route.name);
    }
    for task in TASKS {
        let function = template.function(&logical_id(task.name)).unwrap();
        let schedules: Vec<_> = function
            .events
            .iter()
            .map(|event| match event {
                Event::Schedule { expression, .. } => Some(expression.as_str()),
                Event::HttpApi { .. } => None,
            })
            .collect();
        assert_eq!(
            schedules,
            task.schedule.map(Some).into_iter().collect::<Vec<_>>(),
            "{}",
            task.name
        );
    }
}

#[test]
fn every_event_of_tests_events_is_one_that_its_function_gets() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("tests/events")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let event: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if let Some(route) = functions::registry::route(name) {
            let key = if route.method == "ANY" {
                "$default".to_owned()
            } else {
                format!("{} {}", route.method, route.path)
            };
            assert_eq!(event["routeKey"], key, "{name}");
            assert_eq!(event["requestContext"]["routeKey"], key, "{name}");
            assert_eq!(
                event["rawPath"], event["requestContext"]["http"]["path"],
                "{name}"
            );
            let parameters: BTreeSet<_> = route.parameters().filter(|_| route.method != "ANY").collect();
            let given = event["pathParameters"].as_object();
            let given: BTreeSet<_> = given
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            assert_eq!(given, parameters, "{name}");
        } else {
            let task = functions::registry::task(name)
                .unwrap_or_else(|| panic!("{name}: there is no such function"));
            assert!(task.schedule.is_some(), "{name} has no schedule");
            assert_eq!(event["source"], "aws.scheduler", "{name}");
        }
        seen += 1;
    }
    assert!(seen > 0, "there are no events");
}

#[test]
fn the_openapi_document_has_every_route_with_every_status() {
    let document = functions::openapi::document("https://api.example");
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            let route = functions::registry::route(name).unwrap();
            assert_eq!(
                (route.path, route.method.to_lowercase()),
                (path.as_str(), method.clone())
            );
            for status in functions::openapi::problems(route) {
                assert!(
                    operation["responses"][status.to_string()].is_object(),
                    "{name} lacks {status}"
                );
            }
            for (status, _) in route.success {
                assert!(
                    operation["responses"][status.to_string()].is_object(),
                    "{name} lacks {status}"
                );
            }
            operations.insert(name.to_owned());
        }
    }
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| route.method != "ANY")
        .map(|route| route.name.to_owned())
        .collect();
    assert_eq!(operations, routes);
}

#[test]
fn the_openapi_document_names_exactly_the_words_that_lists_take() {
    let document = functions::openapi::document("https://api.example");
    let of_query = |path: &str, name: &str| -> BTreeSet<String> {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        let parameter = parameters.iter().find(|one| one["name"] == name).unwrap();
        let pattern = parameter["schema"]["pattern"].as_str().unwrap();
        let words = pattern.trim_start_matches("^(").split(')').next().unwrap();
        assert_eq!(pattern, format!("^({words})(,({words}))*$"));
        words.split('|').map(str::to_owned).collect()
    };
    let known = ActivityKind::ALL.iter().map(|kind| kind.as_str().to_owned());
    assert_eq!(of_query("/v1/organisation/activity", "kind"), known.collect());
    let known = AssetStatus::ALL.iter().map(|status| status.as_str().to_owned());
    assert_eq!(of_query("/v1/records", "status"), known.collect());
    let of_actions =
        |schema: &str| document["components"]["schemas"][schema]["properties"]["actions"].clone();
    let fitting = |fits: fn(Action) -> bool| json!(Action::names(fits));
    for role in ["RoleRequest", "RolePatch"] {
        let actions = of_actions(role);
        assert_eq!(
            actions["items"]["enum"],
            fitting(Action::fits_custom_role),
            "{role}"
        );
        // Naming an action twice is no mistake with roles, and one with keys.
        assert_eq!(actions["uniqueItems"], Value::Null, "{role}");
    }
    let actions = of_actions("Scopes");
    assert_eq!(actions["items"]["enum"], fitting(Action::fits_api_key));
    assert_eq!(
        (&actions["uniqueItems"], &actions["minItems"]),
        (&json!(true), &json!(1))
    );
}

#[test]
fn every_reference_in_the_openapi_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    found.push(reference);
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = functions::openapi::document("https://api.example");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(
            document.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
}

#[test]
fn the_openapi_document_says_of_nothing_that_may_be_absent_that_it_is_null_then() {
    let text = functions::openapi::document("https://api.example").to_string();
    assert!(text.contains("\"default\":50"), "the limit of a list has one");
    assert!(!text.contains("\"default\":null"));
}

#[test]
fn every_test_that_the_readme_names_for_a_promise_exists() {
    fn sources(directory: &Path, text: &mut String) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    sources(&root().join("tests/all"), &mut text);
    sources(&root().join("shared/src"), &mut text);
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("## The promises").nth(1).unwrap();
    let named: Vec<_> = table
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(' '))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named.iter().filter(|name| **name != "module::test") {
        let (module, test) = name.rsplit_once("::").unwrap();
        let own = std::fs::read_to_string(root().join(format!("tests/all/{module}.rs")))
            .unwrap_or_else(|_| text.clone());
        assert!(own.contains(&format!("fn {test}()")), "there is no test {name}");
    }
    let kept = table.lines().filter(|line| line.contains("| kept"));
    for line in kept {
        assert!(
            line.contains('`') || line.contains("as ITT"),
            "kept, by which test? {line}"
        );
    }
}
