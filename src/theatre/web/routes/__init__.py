"""The pages, by what people do there: look around, sign in, buy, and see to what they bought."""
