"""The same model behind other servers, each as its documentation recommends. They run in `.venv/peers`."""
