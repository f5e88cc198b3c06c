//! The OpenAPI 3.1 document, generated from the registry: every route with every status it can answer with.

pub(crate) mod get;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use shared::auth::COOKIE;
use shared::problem::Problem;

use crate::gateway::Body;
use crate::registry::{Access, DESCRIBED, KeyUse, Rate, Route, SchemaOf};

/// The document for the deployment at `origin`.
pub fn document(origin: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let settings = settings.with_transform(RecursiveTransform(without_null));
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in DESCRIBED.iter().filter(|route| route.method != "ANY") {
        let operation = operation(route, &mut generator);
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.to_lowercase()] = operation;
    }
    generator.subschema_for::<Problem>();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trackwell",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The back end of a tracker service that keeps its word.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": origin }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token, or an API key." },
                "cookie": { "type": "apiKey", "in": "cookie", "name": COOKIE }
            }
        }
    })
}

/// Leaves out the default of what may be absent: it would be null, which no request may have.
fn without_null(schema: &mut Schema) {
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.name.split('-').next().unwrap_or_default()],
        "parameters": parameters(route),
        "responses": responses(route, generator),
        "security": match route.access {
            Access::Public(_) => json!([]),
            Access::Member { .. } => json!([{ "bearer": [] }, { "cookie": [] }]),
            Access::Staff { .. } => json!([{ "bearer": [] }, { "cookie": [] }]),
        },
    });
    if let (Some(request), Some(content_type)) = (route.request, route.body.content_type()) {
        operation["requestBody"] =
            json!({ "required": true, "content": { content_type: { "schema": request(generator) } } });
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let path = route
        .parameters()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(name) }));
    let query = route.query.iter().map(|parameter| {
        json!({
            "name": parameter.name, "in": "query", "required": parameter.required, "description": parameter.description,
            "schema": (parameter.schema)(),
        })
    });
    let mut headers = Vec::new();
    let header = |name: &str, required: bool, description: &str, pattern: &str| {
        json!({
            "name": name, "in": "header", "required": required, "description": description,
            "schema": { "type": "string", "pattern": pattern },
        })
    };
    if route.idempotency_key != KeyUse::None {
        headers.push(header(
            "Idempotency-Key",
            route.idempotency_key == KeyUse::Required,
            "The same key and body again get the first answer again.",
            "^[!-~]{1,255}$",
        ));
    }
    if route.problems.contains(&428) {
        headers.push(header(
            "If-Match",
            true,
            "The ETag of the version that is meant.",
            r#"^(\*|"[0-9]+")$"#,
        ));
    }
    path.chain(query).chain(headers).collect()
}

/// The shape of a parameter of the path: ids have a type, an underscore and 128 bits in base32.
fn path_schema(name: &str) -> Value {
    if name.ends_with("_id") {
        json!({ "type": "string", "pattern": "^[a-z]+(_[a-z]+)*_[0-7][0-9a-hjkmnp-tv-z]{25}$" })
    } else {
        json!({ "type": "string" })
    }
}

/// The problems that a route can answer with: what follows from how it is declared, and what it adds.
pub fn problems(route: &Route) -> Vec<u16> {
    let mut statuses = vec![422, 500, 503];
    match route.access {
        Access::Public(_) => {}
        // A cookie that another site's page sends along is 403.
        Access::Member { action, .. } if action.is_personal() => statuses.extend([401, 403]),
        Access::Member { .. } => statuses.extend([401, 403, 404, 410]),
        Access::Staff { .. } => statuses.extend([401, 403, 404]),
    }
    if route.body != Body::None || route.idempotency_key != KeyUse::None {
        statuses.push(400);
    }
    // Also a body where none is taken is too large.
    statuses.push(413);
    if route.body != Body::None {
        statuses.push(415);
    }
    if route.parameters().next().is_some() {
        statuses.push(404);
    }
    if route.rate == Rate::Sensitive {
        statuses.push(429);
    }
    statuses.extend(route.problems);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, schema) in route.success {
        responses.insert(
            status.to_string(),
            success(*status, route.media_type, *schema, generator),
        );
    }
    for status in problems(route) {
        let response = json!({
            "description": reason(status),
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
        });
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn success(
    status: u16,
    media_type: &str,
    schema: Option<SchemaOf>,
    generator: &mut SchemaGenerator,
) -> Value {
    match schema {
        None => json!({ "description": reason(status) }),
        Some(schema) => json!({
            "description": reason(status),
            "content": { media_type: { "schema": schema(generator) } }
        }),
    }
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Problem")
}
