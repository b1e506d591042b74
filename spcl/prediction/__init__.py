"""Use of trained models: predictions for new conversations, and a page that shows them.

`inputs` reads what is to be predicted, `features` extracts or takes its features, `predict` runs
the models of all seeds, and `page` shows a conversation. No rule of the workflow runs this code.
"""
