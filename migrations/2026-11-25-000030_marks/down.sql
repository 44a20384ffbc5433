drop table views;
drop table favourites;
drop table container_marks;
