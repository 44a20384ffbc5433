//! SQL that is prepared once per connection.
//!
//! `diesel::sql_query` prepares its text anew at every use, because it cannot know whether the text was put together from
//! values. These texts are constants, so the hot ones are kept prepared: the big ones take longer to plan than to run.

use diesel::{
    expression::{AsExpression, Expression},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{SingleValue, SqlType, Untyped},
};

type Bind = Box<dyn QueryFragment<Pg> + Send>;

/// A constant text with `$1`, `$2`, … and their values.
pub(crate) struct Statement {
    /// The text before each use of a value, and which one that is (from 0).
    uses: Vec<(&'static str, usize)>,
    end: &'static str,
    binds: Vec<Bind>,
}

/// Begins a statement. A value may be used several times.
pub(crate) fn statement(sql: &'static str) -> Statement {
    let mut uses = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = sql[at..].find('$') {
        let sign = at + found;
        let digits = &sql[sign + 1..];
        let digits = &digits[..digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len()];
        at = sign + 1 + digits.len();
        // Another `$` is text, such as the root of a JSON path.
        if let Ok(number) = digits.parse::<usize>() {
            uses.push((&sql[from..sign], number.wrapping_sub(1)));
            from = at;
        }
    }
    let rest = &sql[from..];
    Statement {
        uses,
        end: rest,
        binds: Vec::new(),
    }
}

impl Statement {
    /// The next value.
    #[must_use]
    pub fn bind<ST, T>(mut self, value: T) -> Self
    where
        ST: SqlType + SingleValue,
        T: AsExpression<ST>,
        T::Expression: Expression<SqlType = ST> + QueryFragment<Pg> + Send + 'static,
    {
        self.binds.push(Box::new(value.as_expression()));
        self
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (before, number) in &self.uses {
            out.push_sql(before);
            let bind = self.binds.get(*number).ok_or_else(|| {
                diesel::result::Error::QueryBuilderError("a statement has fewer values than it uses".into())
            })?;
            bind.walk_ast(out.reborrow())?;
        }
        out.push_sql(self.end);
        Ok(())
    }
}

impl QueryId for Statement {
    type QueryId = ();
    /// The text itself is the key of the prepared one.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;
    use diesel::sql_types::{Integer, Text};
    use diesel_async::RunQueryDsl;

    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn values_are_bound_where_they_are_used_and_the_text_is_prepared_once() {
        let fixture = Fixture::new().await;
        let mut conn = fixture.control.db().conn().await.unwrap();
        for n in 0..3 {
            let row: Row = statement("select $2 || ' ' || $1::text || ' ' || $2 || '$' as text")
                .bind::<Integer, _>(n)
                .bind::<Text, _>("a".to_owned())
                .get_result(&mut conn)
                .await
                .unwrap();
            assert_eq!(row.text, format!("a {n} a$"));
        }
        let prepared: Row = statement(
            "select count(*)::text as text from pg_prepared_statements where statement like '%as text' and statement like '%||%'",
        )
        .get_result(&mut conn)
        .await
        .unwrap();
        assert_eq!(prepared.text, "1");
        let missing = statement("select $1::text as text")
            .get_result::<Row>(&mut conn)
            .await;
        assert!(missing.is_err());
    }
}
