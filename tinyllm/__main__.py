"""`python -m tinyllm` is `tinyllm`."""

from tinyllm.cli import main

if __name__ == "__main__":
    main()
