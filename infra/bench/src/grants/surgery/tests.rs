use super::*;

const TEMPLATE: &str = "\
Resources:
  Api:
    Properties:
      RouteSettings:
        POST /a: { X: 1 }

  # A group.

  AFunction:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables: { A: !Ref A }
      Events: { Route: 1 }
      Policies:
        - Version: \"2012-10-17\"
          Statement:
            # Why it may.
            - Effect: Allow
              Action: s3:ListBucket
              Resource: here
            - Effect: Allow
              Action: a:B
              Resource: there

  # Another group.

  BFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events: { Route: 2 }

Outputs:
  A:
    Value: 1
";

fn statements(actions: &[(&str, &str)]) -> Vec<String> {
    let statement = |(action, resource): &(&str, &str)| {
        [
            "- Effect: Allow".to_owned(),
            format!("  Action: {action}"),
            format!("  Resource: {resource}"),
        ]
    };
    actions.iter().flat_map(statement).collect()
}

/// What is different: lines that went and lines that came.
fn difference(new: &str) -> (Vec<&str>, Vec<&str>) {
    let old: Vec<_> = TEMPLATE.lines().collect();
    let new: Vec<_> = new.lines().collect();
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tail.take_while(|(old, new)| old == new).count();
    (
        old[head..old.len() - tail].to_vec(),
        new[head..new.len() - tail].to_vec(),
    )
}

#[test]
fn a_text_that_is_not_changed_stays_as_it_is_to_the_byte() {
    for text in [TEMPLATE, "a: 1", "a: 1\r\nb: 2\n\n", ""] {
        assert_eq!(Text::new(text).text(), text);
    }
}

#[test]
fn policies_are_replaced_and_nothing_else_and_their_comments_stay() {
    let mut text = Text::new(TEMPLATE);
    text.set_policies(
        "AFunction",
        &statements(&[("a:C", "there"), ("s3:ListBucket", "here")]),
    )
    .unwrap();
    let expected = [
        "            - Effect: Allow",
        "              Action: a:C",
        "              Resource: there",
        "            # Why it may.",
        "            - Effect: Allow",
        "              Action: s3:ListBucket",
        "              Resource: here",
    ]
    .join("\n");
    let whole = text.text();
    let from = TEMPLATE.find("            # Why").unwrap();
    let to = TEMPLATE.find("\n\n  # Another").unwrap();
    assert_eq!(
        whole,
        format!("{}{expected}{}", &TEMPLATE[..from], &TEMPLATE[to..])
    );
    // The same again changes nothing.
    let mut again = Text::new(&whole);
    again
        .set_policies(
            "AFunction",
            &statements(&[("a:C", "there"), ("s3:ListBucket", "here")]),
        )
        .unwrap();
    assert_eq!(again.text(), whole);
}

#[test]
fn a_function_without_policies_gets_them_and_one_that_needs_none_loses_them() {
    let mut text = Text::new(TEMPLATE);
    text.set_policies("BFunction", &statements(&[("a:B", "there")]))
        .unwrap();
    let new = text.text();
    let (went, came) = difference(&new);
    assert_eq!(went, [""; 0]);
    assert_eq!(came[0], "      Policies:");
    assert_eq!(came.len(), 6);
    text.set_policies("BFunction", &[]).unwrap();
    assert_eq!(text.text(), TEMPLATE);
    assert!(text.set_policies("CFunction", &[]).is_err());
}

#[test]
fn variables_that_lack_are_added_and_the_others_stay() {
    let mut text = Text::new(TEMPLATE);
    text.add_variables("AFunction", &[("A", "A")]).unwrap();
    assert_eq!(text.text(), TEMPLATE);
    text.add_variables("AFunction", &[("A", "A"), ("B", "Bee")])
        .unwrap();
    let new = text.text();
    assert_eq!(
        difference(&new),
        (
            vec!["        Variables: { A: !Ref A }"],
            vec![
                "        Variables:",
                "          A: !Ref A",
                "          B: !Ref Bee"
            ]
        )
    );
    let mut text = Text::new(TEMPLATE);
    text.add_variables("BFunction", &[("B", "Bee")]).unwrap();
    let new = text.text();
    let came = vec!["      Environment:", "        Variables: { B: !Ref Bee }"];
    assert_eq!(difference(&new), (vec![], came));
}

#[test]
fn a_function_comes_behind_its_neighbour_or_before_the_next_group() {
    let lines = || vec!["  CFunction:".to_owned(), "    Type: x".to_owned()];
    let mut text = Text::new(TEMPLATE);
    text.insert(lines(), Some("AFunction"), "Outputs:").unwrap();
    let expected = TEMPLATE.replace(
        "  # Another group.",
        "  CFunction:\n    Type: x\n\n  # Another group.",
    );
    assert_eq!(text.text(), expected);
    for behind in [None, Some("ZFunction"), Some("BFunction")] {
        let mut text = Text::new(TEMPLATE);
        text.insert(lines(), behind, "Outputs:").unwrap();
        assert_eq!(
            text.text(),
            TEMPLATE.replace("Outputs:", "  CFunction:\n    Type: x\n\nOutputs:")
        );
    }
    assert!(text.insert(lines(), None, "Nowhere").is_err());
}

#[test]
fn entries_come_behind_the_last_one_of_a_mapping() {
    let mut text = Text::new(TEMPLATE);
    text.extend(
        "      RouteSettings:",
        vec!["        POST /b: { X: 2 }".to_owned()],
    )
    .unwrap();
    text.extend("Outputs:", vec!["  B:".to_owned()]).unwrap();
    let expected = TEMPLATE.replace("{ X: 1 }\n", "{ X: 1 }\n        POST /b: { X: 2 }\n") + "  B:\n";
    assert_eq!(text.text(), expected);
    assert!(text.contains("        POST /b:"));
    assert!(text.extend("Nothing:", vec![]).is_err());
}
