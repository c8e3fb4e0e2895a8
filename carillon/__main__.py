from carillon.cli import main

main()
