source /work/main/tests/bed/saturate_lib.sh
bed_up --flow-table 1700
serve --idle-timeout 120
time bed exec client "$TSPAM" capacity -r 500 -H $server4 -p 2345
echo st $?
finish
