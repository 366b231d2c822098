"""What bench/regress is made of: programs that measure, and judgement of what they say."""
