# Thin front for scripts/; on Windows call the scripts themselves: py -3.11 scripts\demo.py
PYTHON ?= python3.11

.PHONY: demo test extension lint clean

demo:       ## set up .venv, run the main job on a real portrait in headless Blender; results in demo/
	$(PYTHON) scripts/demo.py

test:       ## set up .venv, pass the default tests
	$(PYTHON) scripts/run_tests.py

extension:  ## build and validate the extension zips in dist/
	$(PYTHON) scripts/build_extension.py

lint:
	$(PYTHON) scripts/run_tests.py tests/packaging/test_style.py

clean:
	$(PYTHON) -c "import shutil; [shutil.rmtree(d, ignore_errors=True) for d in ('build', 'dist', 'demo')]"
