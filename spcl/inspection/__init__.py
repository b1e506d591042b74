"""What ``python -m spcl inspect`` finds out, says and draws.

`find` says which corpus a path means, `facts` counts, `text` and `paste` word it, `figures` draws
it; `single` describes a lone array or Parquet table.
"""
