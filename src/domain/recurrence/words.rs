//! What people say instead of a rule: `daily`, `weekdays`, `every friday`, `weekly on mon, wed`, `monthly`.

/// The rule of RFC 5545 that is meant; nothing where it is none of these.
pub(super) fn rule(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let named = match text.as_str() {
        "daily" | "every day" => "FREQ=DAILY",
        "weekly" | "every week" => "FREQ=WEEKLY",
        "monthly" | "every month" => "FREQ=MONTHLY",
        "yearly" | "every year" => "FREQ=YEARLY",
        "weekdays" | "every weekday" => "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "weekends" | "every weekend" => "FREQ=WEEKLY;BYDAY=SA,SU",
        _ => "",
    };
    if !named.is_empty() {
        return Some(named.to_owned());
    }
    let days = text.strip_prefix("every ").or_else(|| text.strip_prefix("weekly on ")).unwrap_or(&text);
    let days = days.split([',', ' ']).filter(|word| !word.is_empty() && *word != "and").map(day);
    let days: Option<Vec<&str>> = days.collect();
    days.filter(|days| !days.is_empty()).map(|days| format!("FREQ=WEEKLY;BYDAY={}", days.join(",")))
}

/// `fri`, `friday` or `fridays`. Not `fr`: two letters are the rule's own words.
fn day(word: &str) -> Option<&'static str> {
    const DAYS: [(&str, &str); 7] = [
        ("monday", "MO"),
        ("tuesday", "TU"),
        ("wednesday", "WE"),
        ("thursday", "TH"),
        ("friday", "FR"),
        ("saturday", "SA"),
        ("sunday", "SU"),
    ];
    let word = word.strip_suffix('s').filter(|rest| rest.ends_with("day")).unwrap_or(word);
    DAYS.iter().find(|(name, _)| word.len() >= 3 && name.starts_with(word)).map(|(_, short)| *short)
}

#[cfg(test)]
mod tests {
    use super::rule;

    #[test]
    fn what_people_say_is_the_rule_they_mean() {
        for (said, meant) in [
            ("daily", "FREQ=DAILY"),
            ("Every Friday", "FREQ=WEEKLY;BYDAY=FR"),
            ("fridays", "FREQ=WEEKLY;BYDAY=FR"),
            ("weekly on mon, wed and sun", "FREQ=WEEKLY;BYDAY=MO,WE,SU"),
            ("weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
            ("tues", "FREQ=WEEKLY;BYDAY=TU"),
        ] {
            assert_eq!(rule(said).as_deref(), Some(meant), "{said}");
            assert!(meant.parse::<super::super::Rule>().is_ok(), "{meant}");
        }
        for none in ["", "FREQ=DAILY", "fr", "every", "every blue moon", "weekly on"] {
            assert_eq!(rule(none), None, "{none}");
        }
    }
}
