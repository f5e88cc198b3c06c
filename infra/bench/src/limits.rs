//! Limits of what one source may do: everybody who is measured comes from this machine.

use aws_sdk_dynamodb::types::AttributeValue;
use local::Stack;

use crate::Result;
use crate::api::text;

/// Deletes what was counted, so that customers can follow each other faster than one address may register them.
pub(crate) async fn forget_limits(stack: &Stack) -> Result<()> {
    let client = stack.operator().dynamodb();
    for item in stack.items("ephemeral").await? {
        let (partition, sort) = (text(&item, "/pk")?, text(&item, "/sk")?);
        if !partition.starts_with("LIMIT#") {
            continue;
        }
        let delete = client
            .delete_item()
            .table_name("trackwell-ephemeral")
            .key("pk", AttributeValue::S(partition))
            .key("sk", AttributeValue::S(sort));
        delete
            .send()
            .await
            .map_err(|_| "a limit cannot be forgotten".to_owned())?;
    }
    Ok(())
}
