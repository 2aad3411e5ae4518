"""``check TABLE``: the project's question, answered for anybody's own table."""
